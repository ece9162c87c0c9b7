//! How several values become one.

use crate::code;

/// What stands for a step of which several values are known.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    /// Their average.
    Mean,
    /// The largest.
    Peak,
}

/// The values of a step so far.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Gathered {
    /// Their sum, or the largest of them.
    value: f64,
    count: u32,
}

impl Gathered {
    pub(crate) fn add(&mut self, value: f64, fold: Fold) {
        // What has no code is no value: it must not spoil the others.
        if code::encode(value) == code::NONE {
            return;
        }
        self.value = match fold {
            Fold::Mean => self.value + value,
            Fold::Peak => self.value.max(value),
        };
        self.count = self.count.saturating_add(1);
    }

    pub(crate) fn add_code(&mut self, code: u16, fold: Fold) {
        if let Some(value) = code::decode(code) {
            self.add(f64::from(value), fold);
        }
    }

    /// The one that stands for them, if there was any.
    pub(crate) fn value(&self, fold: Fold) -> Option<f64> {
        match (self.count, fold) {
            (0, _) => None,
            (count, Fold::Mean) => Some(self.value / f64::from(count)),
            (_, Fold::Peak) => Some(self.value),
        }
    }

    pub(crate) fn code(&self, fold: Fold) -> u16 {
        self.value(fold).map_or(code::NONE, code::encode)
    }
}
