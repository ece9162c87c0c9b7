//! From a script's text to its commands.

/// Brackets within brackets.
const MAX_DEPTH: usize = 40;

/// A line, and what is wrong there.
pub(super) type Wrong = (u32, String);

/// Commands, one after the other.
pub(super) type Script = Vec<Statement>;

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) line: u32,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Variables that are set, and a command with its arguments, if there is one.
    Command {
        assignments: Vec<Assignment>,
        words: Vec<Word>,
    },
    /// `for name in items; do body; done`.
    For {
        name: String,
        items: Vec<Word>,
        body: Script,
    },
    /// Conditions with what is done under each; a condition that is empty is `else`.
    If {
        branches: Vec<(Script, Script)>,
    },
    Function {
        name: String,
        body: Script,
    },
    /// Loops on a condition, `case`: what is inside depends on what only a shell can know.
    Opaque {
        kind: &'static str,
        body: Script,
    },
}

/// `name=value`, or `name=(a b)`; `name+` adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) value: Vec<Word>,
    pub(super) is_list: bool,
}

/// Pieces that stand beside each other without a blank.
pub(super) type Word = Vec<Piece>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text as it is meant; of a word that is a keyword nothing may be quoted.
    Text { text: String, is_quoted: bool },
    /// `$name`, `${name:-default}`, `${name[@]}`.
    Variable { name: String, default: Option<Word>, is_all: bool, is_quoted: bool },
    /// `$(…)`.
    Output { script: Script, is_quoted: bool },
    /// What is not read: arithmetic, changes of a variable's text.
    Unknown(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(Word),
    /// `;`, `&&`, `|`, a new line, a bracket…
    Operator(&'static str),
    /// `name=(a b)`.
    Array(String, Vec<Word>),
}

/// Reads a script.
pub(super) fn parse(text: &str) -> Result<Script, Wrong> {
    parse_from(text, 1, 0)
}

fn parse_from(text: &str, line: u32, depth: usize) -> Result<Script, Wrong> {
    if depth > MAX_DEPTH {
        return Err((line, "brackets are nested too deeply".to_owned()));
    }
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, line, depth, heredocs: Vec::new() };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token()? {
        tokens.push(token);
    }
    let mut parser = Parser { tokens, at: 0, depth, last_line: lexer.line };
    let script = parser.script(&[])?;
    match parser.tokens.get(parser.at) {
        None => Ok(script),
        Some((line, token)) => Err((*line, format!("{} has no beginning", shown(token)))),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Operator(operator) => (*operator).to_owned(),
        Token::Word(word) => keyword(word).unwrap_or("a word").to_owned(),
        Token::Array(name, _) => name.clone(),
    }
}

/// The text of a word that has neither quotes nor variables.
fn keyword(word: &Word) -> Option<&str> {
    match &word[..] {
        [Piece::Text { text, is_quoted: false }] => Some(text),
        _ => None,
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: u32,
    depth: usize,
    /// Ends of texts that begin on the next line.
    heredocs: Vec<String>,
}

const OPERATORS: [&str; 15] =
    ["&&", "||", ";;", "<<<", "<<", ">>", ">&", "<&", "&>", ";", "|", "&", "(", ")", "\n"];

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn ahead(&self, offset: usize) -> Option<char> {
        self.chars.get(self.at + offset).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        self.line += u32::from(character == '\n');
        Some(character)
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, wanted)| self.ahead(offset) == Some(wanted))
    }

    fn wrong<T>(&self, line: u32, reason: &str) -> Result<T, Wrong> {
        Err((line, reason.to_owned()))
    }

    fn token(&mut self) -> Result<Option<(u32, Token)>, Wrong> {
        loop {
            match self.peek() {
                None => return Ok(None),
                Some(' ' | '\t' | '\r') => {
                    self.next();
                }
                Some('\\') if self.ahead(1) == Some('\n') => self.skip(2),
                Some('\\') if self.starts_with("\\\r\n") => self.skip(3),
                Some('#') => {
                    while self.peek().is_some_and(|character| character != '\n') {
                        self.next();
                    }
                }
                Some(_) => break,
            }
        }
        let line = self.line;
        if let Some(operator) = OPERATORS.iter().find(|operator| self.starts_with(operator)) {
            self.skip(operator.chars().count());
            match *operator {
                "\n" => self.skip_heredocs(),
                "<<" => return self.heredoc(line).map(Some),
                _ => {}
            }
            return Ok(Some((line, Token::Operator(operator))));
        }
        if let Some('<' | '>') = self.peek() {
            self.next();
            return Ok(Some((line, Token::Operator(">"))));
        }
        let word = self.word(&[])?;
        let is_number = keyword(&word).is_some_and(|text| text.chars().all(|c| c.is_ascii_digit()));
        if is_number && matches!(self.peek(), Some('<' | '>')) {
            // `2>&1`: it says which output goes elsewhere.
            return self.token();
        }
        if self.peek() == Some('(')
            && let Some(name) = keyword(&word).and_then(|text| text.strip_suffix('='))
        {
            let name = name.to_owned();
            self.next();
            return Ok(Some((line, Token::Array(name, self.array(line)?))));
        }
        Ok(Some((line, Token::Word(word))))
    }

    fn skip(&mut self, characters: usize) {
        for _ in 0..characters {
            self.next();
        }
    }

    fn array(&mut self, line: u32) -> Result<Vec<Word>, Wrong> {
        let mut items = Vec::new();
        loop {
            match self.token()? {
                Some((_, Token::Operator(")"))) => return Ok(items),
                Some((_, Token::Word(word))) => items.push(word),
                Some((_, Token::Operator("\n"))) => {}
                Some(_) => return self.wrong(line, "a list of words has something else inside"),
                None => return self.wrong(line, "a bracket is not closed"),
            }
        }
    }

    /// `<<EOF`: the word is where the text ends, which begins on the next line.
    fn heredoc(&mut self, line: u32) -> Result<(u32, Token), Wrong> {
        if self.peek() == Some('-') {
            self.next();
        }
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.next();
        }
        let word = self.word(&[])?;
        let end = word.iter().map(|piece| match piece {
            Piece::Text { text, .. } => text.as_str(),
            _ => "",
        });
        self.heredocs.push(end.collect());
        Ok((line, Token::Operator("<<")))
    }

    fn skip_heredocs(&mut self) {
        for end in std::mem::take(&mut self.heredocs) {
            while self.peek().is_some() {
                let mut text = String::new();
                while let Some(character) = self.next().filter(|character| *character != '\n') {
                    text.push(character);
                }
                if text.trim() == end {
                    break;
                }
            }
        }
    }

    /// A word, up to a blank, an operator, or one of these.
    fn word(&mut self, ends: &[char]) -> Result<Word, Wrong> {
        let mut word = Word::new();
        while let Some(character) = self.peek() {
            match character {
                end if ends.contains(&end) => break,
                ' ' | '\t' | '\r' | '\n' | ';' | '|' | '&' | '(' | ')' | '<' | '>' if ends.is_empty() => {
                    break;
                }
                '\\' => {
                    self.next();
                    match self.next() {
                        Some('\n') | None => {}
                        Some(escaped) => push(&mut word, escaped, true),
                    }
                }
                '\'' => self.single_quoted(&mut word)?,
                '"' => self.double_quoted(&mut word)?,
                '$' => word.push(self.dollar(false)?),
                '`' => word.push(self.backticks(false)?),
                _ => {
                    self.next();
                    push(&mut word, character, false);
                }
            }
        }
        Ok(word)
    }

    fn single_quoted(&mut self, word: &mut Word) -> Result<(), Wrong> {
        let line = self.line;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return self.wrong(line, "a quote is not closed"),
                Some('\'') => break,
                Some(character) => text.push(character),
            }
        }
        word.push(Piece::Text { text, is_quoted: true });
        Ok(())
    }

    fn double_quoted(&mut self, word: &mut Word) -> Result<(), Wrong> {
        let line = self.line;
        self.next();
        // An empty one is a word too.
        word.push(Piece::Text { text: String::new(), is_quoted: true });
        loop {
            match self.peek() {
                None => return self.wrong(line, "a quote is not closed"),
                Some('"') => {
                    self.next();
                    return Ok(());
                }
                Some('\\') => {
                    self.next();
                    match self.next() {
                        Some('\n') | None => {}
                        Some(escaped @ ('"' | '\\' | '$' | '`')) => push(word, escaped, true),
                        Some(other) => {
                            push(word, '\\', true);
                            push(word, other, true);
                        }
                    }
                }
                Some('$') => word.push(self.dollar(true)?),
                Some('`') => word.push(self.backticks(true)?),
                Some(character) => {
                    self.next();
                    push(word, character, true);
                }
            }
        }
    }

    fn dollar(&mut self, is_quoted: bool) -> Result<Piece, Wrong> {
        let line = self.line;
        self.next();
        match self.peek() {
            Some('(') if self.ahead(1) == Some('(') => {
                let text = self.bracketed('(', ')')?;
                Ok(Piece::Unknown(format!("$({text})")))
            }
            Some('(') => {
                let text = self.bracketed('(', ')')?;
                Ok(Piece::Output { script: parse_from(&text, line, self.depth + 1)?, is_quoted })
            }
            Some('{') => self.braced(is_quoted),
            Some(first) if first.is_ascii_alphabetic() || first == '_' => {
                let mut name = String::new();
                while let Some(character) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(character);
                    self.next();
                }
                Ok(Piece::Variable { name, default: None, is_all: false, is_quoted })
            }
            Some(special) if special.is_ascii_digit() || "@*#?!$-".contains(special) => {
                self.next();
                let is_all = special == '@' || special == '*';
                Ok(Piece::Variable { name: special.to_string(), default: None, is_all, is_quoted })
            }
            _ => Ok(Piece::Text { text: "$".to_owned(), is_quoted }),
        }
    }

    /// `${name}`, `${name:-default}`, `${name[@]}`; the others are not read.
    fn braced(&mut self, is_quoted: bool) -> Result<Piece, Wrong> {
        let line = self.line;
        let text = self.bracketed('{', '}')?;
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '@' || c == '*'));
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        let default = [":-", ":=", "-", "="].iter().find_map(|operator| rest.strip_prefix(operator));
        let variable =
            |default, is_all| Piece::Variable { name: name.to_owned(), default, is_all, is_quoted };
        match (name, rest, default) {
            ("", _, _) => Ok(Piece::Unknown(format!("${{{text}}}"))),
            (_, "", _) => Ok(variable(None, name == "@" || name == "*")),
            (_, "[@]" | "[*]", _) => Ok(variable(None, true)),
            // A reason to stop where there is no value.
            (_, _, None) if rest.starts_with(":?") || rest.starts_with('?') => Ok(variable(None, false)),
            (_, _, Some(default)) => {
                if self.depth >= MAX_DEPTH {
                    return self.wrong(line, "brackets are nested too deeply");
                }
                let chars = default.chars().collect();
                let mut inner = Lexer { chars, at: 0, line, depth: self.depth + 1, heredocs: Vec::new() };
                // Nothing ends it but its own end.
                let word = inner.word(&['\u{0}'])?;
                Ok(variable(Some(word), false))
            }
            _ => Ok(Piece::Unknown(format!("${{{text}}}"))),
        }
    }

    /// What stands between brackets, which may stand in it again, and in quotes.
    fn bracketed(&mut self, open: char, close: char) -> Result<String, Wrong> {
        let line = self.line;
        self.next();
        let (mut text, mut depth, mut quote) = (String::new(), 1, None);
        while let Some(character) = self.next() {
            match (quote, character) {
                (Some('\''), '\'') => quote = None,
                (Some('\''), _) => {}
                (_, '\\') => {
                    text.push(character);
                    text.extend(self.next());
                    continue;
                }
                (Some(_), '"') => quote = None,
                (None, '\'' | '"') => quote = Some(character),
                (None, found) if found == open => depth += 1,
                (None, found) if found == close => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(text);
                    }
                }
                _ => {}
            }
            text.push(character);
        }
        self.wrong(line, "a bracket is not closed")
    }

    fn backticks(&mut self, is_quoted: bool) -> Result<Piece, Wrong> {
        let line = self.line;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return self.wrong(line, "a backtick is not closed"),
                Some('`') => break,
                Some('\\') if matches!(self.peek(), Some('`' | '\\' | '$')) => text.extend(self.next()),
                Some(character) => text.push(character),
            }
        }
        Ok(Piece::Output { script: parse_from(&text, line, self.depth + 1)?, is_quoted })
    }
}

/// Characters of the same kind are one text.
fn push(word: &mut Word, character: char, is_quoted: bool) {
    match word.last_mut() {
        Some(Piece::Text { text, is_quoted: known }) if *known == is_quoted => text.push(character),
        _ => word.push(Piece::Text { text: character.to_string(), is_quoted }),
    }
}

struct Parser {
    tokens: Vec<(u32, Token)>,
    at: usize,
    depth: usize,
    last_line: u32,
}

impl Parser {
    fn line(&self) -> u32 {
        self.tokens.get(self.at).map_or(self.last_line, |(line, _)| *line)
    }

    fn operator(&self) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some((_, Token::Operator(operator))) => Some(operator),
            _ => None,
        }
    }

    /// The keyword that comes next, if it is a word without quotes.
    fn keyword(&self) -> Option<&str> {
        match self.tokens.get(self.at) {
            Some((_, Token::Word(word))) => keyword(word),
            _ => None,
        }
    }

    fn take_keyword(&mut self, wanted: &str) -> Result<(), Wrong> {
        self.skip_separators();
        if self.keyword() != Some(wanted) {
            return Err((self.line(), format!("{wanted} is missing")));
        }
        self.at += 1;
        Ok(())
    }

    fn skip_separators(&mut self) {
        while matches!(self.operator(), Some("\n" | ";" | "&" | "&&" | "||" | "|")) {
            self.at += 1;
        }
    }

    /// Statements up to one of these keywords or brackets, which stays.
    fn script(&mut self, ends: &[&str]) -> Result<Script, Wrong> {
        let mut script = Script::new();
        loop {
            self.skip_separators();
            if self.at >= self.tokens.len() {
                return Ok(script);
            }
            let is_end = |text: &str| ends.contains(&text);
            if self.keyword().is_some_and(is_end) || self.operator().is_some_and(is_end) {
                return Ok(script);
            }
            let before = self.at;
            script.extend(self.statement()?);
            if self.at == before {
                return Ok(script);
            }
        }
    }

    fn statement(&mut self) -> Result<Script, Wrong> {
        if self.depth >= MAX_DEPTH {
            return Err((self.line(), "brackets are nested too deeply".to_owned()));
        }
        self.depth += 1;
        let line = self.line();
        let one = |what| Ok(vec![Statement { line, what }]);
        let statement = match (self.keyword(), self.operator()) {
            (Some("for"), _) => self.for_loop().and_then(one),
            (Some("if"), _) => self.condition().and_then(one),
            (Some("while"), _) => self.opaque_loop("while").and_then(one),
            (Some("until"), _) => self.opaque_loop("until").and_then(one),
            (Some("case"), _) => self.case().and_then(one),
            (Some("function"), _) => {
                self.at += 1;
                self.function().and_then(one)
            }
            (Some("{"), _) => self.group("}"),
            (_, Some("(")) => self.group(")"),
            (Some("!"), _) => {
                self.at += 1;
                Ok(Script::new())
            }
            _ if self.is_function() => self.function().and_then(one),
            _ => self.command(line).map(|command| command.into_iter().collect()),
        };
        self.depth -= 1;
        statement
    }

    fn is_function(&self) -> bool {
        let operator = |offset: usize| match self.tokens.get(self.at + offset) {
            Some((_, Token::Operator(operator))) => Some(*operator),
            _ => None,
        };
        self.keyword().is_some() && operator(1) == Some("(") && operator(2) == Some(")")
    }

    fn function(&mut self) -> Result<What, Wrong> {
        let name = self.keyword().ok_or((self.line(), "a function has a name".to_owned()))?.to_owned();
        self.at += 1;
        while matches!(self.operator(), Some("(" | ")" | "\n")) {
            self.at += 1;
        }
        if self.keyword() != Some("{") {
            return Err((self.line(), format!("{{ is missing for {name}")));
        }
        Ok(What::Function { name, body: self.group("}")? })
    }

    /// Statements in brackets.
    fn group(&mut self, end: &str) -> Result<Script, Wrong> {
        let line = self.line();
        self.at += 1;
        let script = self.script(&[end])?;
        if self.at >= self.tokens.len() {
            return Err((line, format!("{end} is missing")));
        }
        self.at += 1;
        Ok(script)
    }

    fn for_loop(&mut self) -> Result<What, Wrong> {
        let line = self.line();
        self.at += 1;
        let Some(name) = self.keyword().map(str::to_owned) else {
            // `for ((i=0; …))`.
            while self.at < self.tokens.len() && self.keyword() != Some("do") {
                self.at += 1;
            }
            return Ok(What::Opaque { kind: "for", body: self.body()? });
        };
        self.at += 1;
        self.skip_separators();
        let mut items = Vec::new();
        if self.keyword() == Some("in") {
            self.at += 1;
            while let Some((_, Token::Word(word))) = self.tokens.get(self.at) {
                items.push(word.clone());
                self.at += 1;
            }
        } else {
            items.push(vec![Piece::Variable {
                name: "@".to_owned(),
                default: None,
                is_all: true,
                is_quoted: true,
            }]);
        }
        if self.at >= self.tokens.len() {
            return Err((line, "do is missing".to_owned()));
        }
        Ok(What::For { name, items, body: self.body()? })
    }

    /// `do … done`.
    fn body(&mut self) -> Result<Script, Wrong> {
        self.take_keyword("do")?;
        let body = self.script(&["done"])?;
        self.take_keyword("done")?;
        Ok(body)
    }

    fn opaque_loop(&mut self, kind: &'static str) -> Result<What, Wrong> {
        self.at += 1;
        let mut body = self.script(&["do"])?;
        body.extend(self.body()?);
        Ok(What::Opaque { kind, body })
    }

    fn condition(&mut self) -> Result<What, Wrong> {
        let mut branches = Vec::new();
        self.at += 1;
        loop {
            let condition = self.script(&["then"])?;
            self.take_keyword("then")?;
            branches.push((condition, self.script(&["elif", "else", "fi"])?));
            match self.keyword() {
                Some("elif") => self.at += 1,
                Some("else") => {
                    self.at += 1;
                    branches.push((Script::new(), self.script(&["fi"])?));
                    self.take_keyword("fi")?;
                    return Ok(What::If { branches });
                }
                _ => {
                    self.take_keyword("fi")?;
                    return Ok(What::If { branches });
                }
            }
        }
    }

    /// Which of its branches is taken is not looked at.
    fn case(&mut self) -> Result<What, Wrong> {
        let line = self.line();
        let mut body = Script::new();
        self.at += 1;
        while self.at < self.tokens.len() && self.keyword() != Some("in") {
            self.at += 1;
        }
        self.at += 1;
        loop {
            self.skip_separators();
            while self.operator() == Some(";;") {
                self.at += 1;
                self.skip_separators();
            }
            if self.at >= self.tokens.len() {
                return Err((line, "esac is missing".to_owned()));
            }
            if self.keyword() == Some("esac") {
                self.at += 1;
                return Ok(What::Opaque { kind: "case", body });
            }
            // The pattern.
            while self.at < self.tokens.len() && self.operator() != Some(")") {
                self.at += 1;
            }
            self.at += 1;
            body.extend(self.script(&[";;", "esac"])?);
        }
    }

    /// Up to what ends a command; where its output goes is passed over.
    fn command(&mut self, line: u32) -> Result<Option<Statement>, Wrong> {
        let (mut assignments, mut words) = (Vec::new(), Vec::new());
        while let Some((_, token)) = self.tokens.get(self.at) {
            match token {
                Token::Operator(">" | ">>" | ">&" | "<&" | "&>" | "<<<") => {
                    self.at += 2;
                    continue;
                }
                // Its word has been taken.
                Token::Operator("<<") => {}
                Token::Operator(_) => break,
                Token::Array(name, items) => {
                    assignments.push(Assignment { name: name.clone(), value: items.clone(), is_list: true });
                }
                Token::Word(word) => match assignment(word).filter(|_| words.is_empty()) {
                    Some((name, value)) => {
                        assignments.push(Assignment { name, value: vec![value], is_list: false });
                    }
                    None => words.push(word.clone()),
                },
            }
            self.at += 1;
        }
        self.at = self.at.min(self.tokens.len());
        if assignments.is_empty() && words.is_empty() {
            return match self.operator() {
                // A bracket that nobody opened; an end of a branch is looked at above.
                Some(operator @ ("(" | ")" | ";;")) => Err((line, format!("{operator} is not expected"))),
                _ => Ok(None),
            };
        }
        Ok(Some(Statement { line, what: What::Command { assignments, words } }))
    }
}

/// `name=value`, or `name+=value`, whose name is `name+`.
pub(super) fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Piece::Text { text, is_quoted: false }) = word.first() else { return None };
    let (name, rest) = text.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // `name+=value` adds to what there is.
    let bare = name.strip_suffix('+').unwrap_or(name);
    if bare.is_empty() || !bare.chars().all(is_name) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let first = (!rest.is_empty()).then(|| Piece::Text { text: rest.to_owned(), is_quoted: false });
    Some((name.to_owned(), first.into_iter().chain(word[1..].iter().cloned()).collect()))
}
