//! `bongsu queue watch`: depths as they change.

use super::attributes::{COUNTS, counts};
use super::session::{Queue, Session};
use crate::client::date::unix_time;
use crate::error::ToolError;
use crate::show::table::{Cell, Side, table};
use crate::show::units::{seconds, shown_count, shown_time};
use crate::show::{Ink, Screen, clean};
use clap::Args;
use console::Term;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How many looks a rate goes back, and how many a line of blocks shows.
const RATE_LOOKS: usize = 10;
const SHOWN_LOOKS: usize = 20;
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Show how many messages queues hold, and how fast that changes, until stopped
#[derive(Args, Clone, Debug)]
pub(super) struct Watch {
    /// Which queues [default: all]
    #[arg(value_name = "QUEUE")]
    pub(super) queues: Vec<String>,
    /// Only queues whose names begin so
    #[arg(long, value_name = "PREFIX", conflicts_with = "queues")]
    prefix: Option<String>,
    /// How often to look
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = seconds)]
    every: u64,
    /// Stop after so many looks
    #[arg(long, value_name = "N")]
    looks: Option<u64>,
}

/// What was seen of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    at_ms: u64,
    counts: [u64; 3],
}

/// What was seen of each queue, the latest last.
type Seen = BTreeMap<String, VecDeque<Look>>;

impl Watch {
    pub(super) fn run(self, session: &mut Session) -> Result<(), ToolError> {
        let mut fixed = Vec::new();
        for name in &self.queues {
            fixed.push(session.queue(name)?);
        }
        let in_place = session.screen.is_terminal() && !session.as_json;
        let (mut seen, mut drawn_lines) = (Seen::new(), 0);
        let mut looks = 0;
        loop {
            let queues =
                if fixed.is_empty() { session.queues(self.prefix.as_deref())? } else { fixed.clone() };
            let at_ms = look(session, &queues, &mut seen)?;
            if session.as_json {
                print_json(session, &seen, at_ms)?;
            } else if in_place {
                drawn_lines = draw(session.screen, &seen, at_ms, drawn_lines)?;
            } else {
                session.screen.print(&lines(&seen, at_ms))?;
            }
            looks += 1;
            if self.looks.is_some_and(|wanted| looks >= wanted) {
                return Ok(());
            }
            session.caller.pause(Duration::from_secs(self.every.max(1)));
        }
    }
}

/// Looks at each queue; one that is gone is forgotten.
fn look(session: &mut Session, queues: &[Queue], seen: &mut Seen) -> Result<u64, ToolError> {
    let attributes = session.attributes_of(queues, &COUNTS)?;
    let at_ms = unix_time().as_millis() as u64;
    let found: BTreeMap<_, _> = queues
        .iter()
        .zip(attributes)
        .filter_map(|(queue, attributes)| Some((queue.name.clone(), counts(&attributes?))))
        .collect();
    seen.retain(|name, _| found.contains_key(name));
    for (name, counts) in found {
        let looks = seen.entry(name).or_default();
        looks.push_back(Look { at_ms, counts });
        if looks.len() > SHOWN_LOOKS {
            looks.pop_front();
        }
    }
    Ok(at_ms)
}

/// By how many messages a second the sum changed lately.
fn rate(looks: &VecDeque<Look>) -> f64 {
    let (Some(last), Some(first)) =
        (looks.back(), looks.iter().rev().nth(RATE_LOOKS).or_else(|| looks.front()))
    else {
        return 0.0;
    };
    let total = |look: &Look| look.counts.iter().sum::<u64>() as f64;
    let took_ms = last.at_ms.saturating_sub(first.at_ms);
    if took_ms == 0 { 0.0 } else { (total(last) - total(first)) * 1000.0 / took_ms as f64 }
}

fn shown_rate(rate: f64) -> String {
    if rate.abs() < 0.05 { "0".to_owned() } else { format!("{rate:+.1}") }
}

/// The sums so far, as blocks of different height.
fn blocks(looks: &VecDeque<Look>) -> String {
    let totals: Vec<u64> = looks.iter().map(|look| look.counts.iter().sum()).collect();
    let most = totals.iter().copied().max().unwrap_or(0).max(1);
    let top = BLOCKS.len() as u128 - 1;
    // At most the top, as no total is larger than the largest.
    let height = |total: u64| (u128::from(total) * top / u128::from(most)) as usize;
    totals.iter().map(|total| BLOCKS[height(*total)]).collect()
}

fn print_json(session: &Session, seen: &Seen, at_ms: u64) -> Result<(), ToolError> {
    for (name, looks) in seen {
        let Some([visible, in_flight, delayed]) = looks.back().map(|look| look.counts) else { continue };
        session.screen.json_line(&json!({
            "Time": at_ms, "Name": name, "Visible": visible, "InFlight": in_flight, "Delayed": delayed,
            "ChangePerSecond": (rate(looks) * 1000.0).round() / 1000.0,
        }))?;
    }
    Ok(())
}

/// For logs and pipes: a line for each queue at each look.
fn lines(seen: &Seen, at_ms: u64) -> String {
    let line = |(name, looks): (&String, &VecDeque<Look>)| {
        let [visible, in_flight, delayed] = looks.back().map_or([0; 3], |look| look.counts);
        let (time, rate) = (shown_time(at_ms / 1000), shown_rate(rate(looks)));
        format!(
            "{time}  {name}  visible {visible}  in flight {in_flight}  delayed {delayed}  change/s {rate}\n"
        )
    };
    seen.iter().map(line).collect()
}

/// Draws over what was drawn before; says how many lines that was.
fn draw(screen: Screen, seen: &Seen, at_ms: u64, drawn_lines: usize) -> Result<usize, ToolError> {
    let term = Term::stdout();
    let (height, width) = term.size();
    let mut rows: Vec<_> = seen.iter().collect();
    let room = usize::from(height).saturating_sub(4).max(1);
    let hidden = rows.len().saturating_sub(room);
    if hidden > 0 {
        // What has no room is what has least to tell.
        rows.sort_by_key(|(_, looks)| {
            std::cmp::Reverse(looks.back().map_or(0, |look| look.counts.iter().sum::<u64>()))
        });
        rows.truncate(room);
    }
    let cells: Vec<_> = rows.into_iter().map(|(name, looks)| row(name, looks)).collect();
    let head = [
        ("NAME", Side::Left),
        ("VISIBLE", Side::Right),
        ("IN FLIGHT", Side::Right),
        ("DELAYED", Side::Right),
        ("CHANGE/S", Side::Right),
        ("", Side::Left),
    ];
    let mut text = table(screen, head, &cells);
    let more = if hidden > 0 { format!("{hidden} more, ") } else { String::new() };
    let foot = format!("{more}{}, Ctrl-C ends", shown_time(at_ms / 1000));
    text.push_str(&format!("{}\n", screen.paint(Ink::Faint, &foot)));
    // A line that wraps would take more room than is cleared next time.
    let text: String = text
        .lines()
        .map(|line| format!("{}\n", console::truncate_str(line, usize::from(width), "…")))
        .collect();
    if drawn_lines > 0 {
        term.clear_last_lines(drawn_lines)?;
    }
    screen.print(&text)?;
    Ok(text.lines().count())
}

fn row(name: &str, looks: &VecDeque<Look>) -> [Cell; 6] {
    let [visible, in_flight, delayed] = looks.back().map_or([0; 3], |look| look.counts);
    let count =
        |count: u64, ink: Ink| Cell::with(shown_count(count), if count == 0 { Ink::Faint } else { ink });
    let rate = rate(looks);
    let ink = match rate {
        _ if rate.abs() < 0.05 => Ink::Faint,
        _ if rate > 0.0 => Ink::Moving,
        _ => Ink::Good,
    };
    [
        clean(name).into(),
        count(visible, Ink::Strong),
        count(in_flight, Ink::Moving),
        count(delayed, Ink::Moving),
        Cell::with(shown_rate(rate), ink),
        Cell::with(blocks(looks), Ink::Faint),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Look, blocks, rate, shown_rate};
    use std::collections::VecDeque;

    fn looks(totals: &[u64]) -> VecDeque<Look> {
        let look =
            |(index, total): (usize, &u64)| Look { at_ms: index as u64 * 1000, counts: [*total, 0, 0] };
        totals.iter().enumerate().map(look).collect()
    }

    #[test]
    fn a_rate_goes_back_ten_looks() {
        assert!((rate(&looks(&[0, 100])) - 100.0).abs() < 1e-9);
        assert!(rate(&looks(&[5])).abs() < 1e-9);
        let mut totals = vec![1_000_000];
        totals.extend([10; 11]);
        assert!(rate(&looks(&totals)).abs() < 1e-9);
        assert_eq!((shown_rate(-2.04), shown_rate(0.01)), ("-2.0".to_owned(), "0".to_owned()));
    }

    #[test]
    fn blocks_are_as_high_as_the_sum_was() {
        assert_eq!(blocks(&looks(&[0, 7, 14])), "▁▄█");
        assert_eq!(blocks(&looks(&[0, 0])), "▁▁");
        assert_eq!(blocks(&looks(&[u64::MAX, u64::MAX / 2])), "█▄");
    }
}
