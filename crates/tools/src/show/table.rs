//! Rows in columns.

use super::{Ink, Screen};
use console::measure_text_width;

/// A cell: text, and how it looks.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    ink: Option<Ink>,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ink: None }
    }

    pub(crate) fn with(text: impl Into<String>, ink: Ink) -> Self {
        Self { text: text.into(), ink: Some(ink) }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// To which side a column's cells keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    /// Numbers.
    Right,
}

/// A table for people: a head, then rows, columns two spaces apart.
pub(crate) fn table<const N: usize>(screen: Screen, head: [(&str, Side); N], rows: &[[Cell; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| measure_text_width(&row[column].text));
        cells.chain([measure_text_width(head[column].0)]).max().unwrap_or(0)
    });
    let sides = head.map(|(_, side)| side);
    let head = head.map(|(name, _)| Cell::with(name, Ink::Faint));
    let lines = std::iter::once(&head).chain(rows);
    lines.map(|row| line(screen, row, widths, sides)).collect()
}

fn line<const N: usize>(screen: Screen, cells: &[Cell; N], widths: [usize; N], sides: [Side; N]) -> String {
    let mut line = String::new();
    // Nothing is padded behind the last cell that says something.
    let filled = cells.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
    for (index, cell) in cells.iter().enumerate().take(filled) {
        let space = " ".repeat(widths[index].saturating_sub(measure_text_width(&cell.text)));
        let text = cell.ink.map_or_else(|| cell.text.clone(), |ink| screen.paint(ink, &cell.text));
        line.push_str(if index == 0 { "" } else { "  " });
        match sides[index] {
            Side::Right => line.push_str(&format!("{space}{text}")),
            Side::Left if index + 1 == filled => line.push_str(&text),
            Side::Left => line.push_str(&format!("{text}{space}")),
        }
    }
    line.push('\n');
    line
}

/// Labels and values, one a line, below a title.
pub(crate) fn sheet(screen: Screen, title: &str, lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let mut text = format!("{}\n", screen.paint(Ink::Strong, title));
    for (label, value) in lines {
        let space = " ".repeat(width - label.len());
        // Further lines of a value stand below its first.
        let value = value.replace('\n', &format!("\n{}", " ".repeat(width + 4)));
        text.push_str(&format!("  {}{space}  {value}\n", screen.paint(Ink::Faint, label)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Cell, Side, sheet, table};
    use crate::show::Screen;

    fn plain() -> Screen {
        Screen { is_error: false, is_terminal: false, is_colored: false }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_shows() {
        let head = [("NAME", Side::Left), ("N", Side::Right), ("X", Side::Left)];
        let row = |cells: [&str; 3]| cells.map(Cell::new);
        let rows = [row(["봉수", "10", ""]), row(["long name", "1", "x"])];
        let expected = "NAME        N  X\n봉수       10\nlong name   1  x\n";
        assert_eq!(table(plain(), head, &rows), expected);
        assert_eq!(table(plain(), head, &[]), "NAME  N  X\n");
    }

    #[test]
    fn a_sheet_keeps_values_below_each_other() {
        let lines = [("a", "1".to_owned()), ("long", "2\n3".to_owned())];
        assert_eq!(sheet(plain(), "T", &lines), "T\n  a     1\n  long  2\n        3\n");
    }
}
