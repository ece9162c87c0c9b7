//! The file of a segment, with any bytes changed: whatever opening says, a survey agrees with it, and mending makes a
//! journal that opens.
use bongsu_journal::testing::SimDisk;
use bongsu_journal::{Entry, FileJournal, FileOptions, Journal as _, Survey, Visitor};
use std::path::Path;
use std::sync::{Arc, OnceLock};

const DIR: &str = "/store";

fn options() -> FileOptions {
    FileOptions {
        segment_bytes: 12 << 10,
        max_payload_bytes: 2 << 10,
        max_open_files: 4,
        recent_bytes: 4 << 10,
        allocate_in_background: false,
    }
}

fn open(disk: &SimDisk) -> Result<FileJournal, bongsu_journal::OpenError> {
    FileJournal::open(Arc::new(disk.clone()), Path::new(DIR), options())
}

/// Three segments, the last one without a seal.
fn store() -> &'static SimDisk {
    static STORE: OnceLock<SimDisk> = OnceLock::new();
    STORE.get_or_init(|| {
        let disk = SimDisk::new();
        let mut journal = open(&disk).expect("a new journal");
        for number in 0..24_u8 {
            let tail = journal.tail();
            let payload = vec![number; 100 + usize::from(number) * 40];
            journal.append(tail, Default::default(), &payload).expect("there is room");
        }
        drop(journal);
        disk.fork()
    })
}

struct Counting(u64);

impl Visitor for Counting {
    fn entry(&mut self, _: &Entry) -> Result<(), String> {
        self.0 += 1;
        Ok(())
    }
}

/// Changes are: which file (1 byte), where (2), how many bytes (1), the bytes. With a length of 0 the file is cut there.
fn change(disk: &SimDisk, mut data: &[u8]) {
    let names: Vec<_> = disk.files().into_keys().collect();
    while let [file, low, high, len, rest @ ..] = data {
        let path = &names[usize::from(*file) % names.len()];
        let mut bytes = disk.files()[path].clone();
        let at = usize::from(u16::from_le_bytes([*low, *high]));
        let (new, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        if new.is_empty() {
            bytes.truncate(at);
        }
        for (old, new) in bytes.iter_mut().skip(at).zip(new) {
            *old = *new;
        }
        disk.put_file(path, &bytes);
        data = rest;
    }
}

/// One run of the target.
pub fn run(data: &[u8]) {
    let disk = store().fork();
    change(&disk, data);
    let mut counting = Counting(0);
    let surveyed = Survey::read(Arc::new(disk.clone()), Path::new(DIR), &mut counting);
    let opened = open(&disk.fork());
    let Ok(survey) = surveyed else {
        assert!(opened.is_err(), "a survey refuses what can be opened");
        return;
    };
    if survey.faults.is_empty() {
        let journal = opened.unwrap_or_else(|error| panic!("{error}: {survey:#?}"));
        assert_eq!(journal.tail(), survey.tail);
    }
    let cut = survey.faults.iter().filter_map(|fault| fault.stretch).map(|stretch| stretch.from).min();
    if survey.unmendable(cut).is_none() {
        survey.mend(&disk, cut, Path::new("/kept")).expect("a disk that takes all");
        open(&disk).unwrap_or_else(|error| panic!("mended, but {error}: {survey:#?}"));
    }
}
