//! What a lossy disk can be told to do, and how that is written in a line of text.

use std::str::FromStr;

/// An order to a [`super::LossyDisk`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// `cut PERCENT`: the power goes now; so much of what was not synced happens to be on the disk.
    Cut {
        /// 0: nothing of it, 100: all of it.
        keep_percent: u32,
    },
    /// `cut-at-sync NUMBER PERCENT`: the power goes within a sync.
    CutAtSync {
        /// How many syncs go well before that one.
        skip: u64,
        /// As for [`Order::Cut`].
        keep_percent: u32,
    },
    /// `lie data`: from now on [`crate::DiskFile::sync_data`] says that it went well, and does nothing.
    LieAboutData,
    /// `lie names`: the same for [`crate::Disk::sync_dir`].
    LieAboutNames,
    /// `slow MICROSECONDS`: each sync takes up to so long, as chance has it.
    Slow {
        /// At most, in microseconds.
        max_us: u64,
    },
    /// `capacity BYTES`: the sum of the lengths of all files can't grow beyond this.
    Capacity {
        /// In bytes.
        bytes: u64,
    },
    /// `fail write`: from now on each write fails (EIO).
    FailWrites,
    /// `fail sync`: from now on each sync fails (EIO), and what it should have made durable is gone.
    FailSyncs,
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Order, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let unknown = || format!("no such order: {line}");
        let number = |word: &str| word.parse::<u64>().map_err(|_| unknown());
        let percent = |word: &str| word.parse::<u32>().ok().filter(|n| *n <= 100).ok_or_else(unknown);
        match words.as_slice() {
            ["cut", keep] => Ok(Order::Cut { keep_percent: percent(keep)? }),
            ["cut-at-sync", skip, keep] => {
                Ok(Order::CutAtSync { skip: number(skip)?, keep_percent: percent(keep)? })
            }
            ["lie", "data"] => Ok(Order::LieAboutData),
            ["lie", "names"] => Ok(Order::LieAboutNames),
            ["slow", max_us] => Ok(Order::Slow { max_us: number(max_us)? }),
            ["capacity", bytes] => Ok(Order::Capacity { bytes: number(bytes)? }),
            ["fail", "write"] => Ok(Order::FailWrites),
            ["fail", "sync"] => Ok(Order::FailSyncs),
            _ => Err(unknown()),
        }
    }
}
