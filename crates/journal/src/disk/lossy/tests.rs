//! The disk loses what it should, keeps what it must, and shows the process that writes neither.

use super::*;
use tempfile::TempDir;

struct House {
    home: TempDir,
    disk: LossyDisk,
}

impl House {
    fn new() -> House {
        let home = TempDir::new().unwrap();
        let disk = LossyDisk::new(7);
        disk.create_dir(home.path()).unwrap();
        House { home, disk }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn create(&self, name: &str) -> Arc<dyn DiskFile> {
        self.disk.create(&self.path(name)).unwrap()
    }

    /// What a process finds that is started after this one was killed.
    fn after_a_kill(self) -> House {
        let disk = LossyDisk::new(8);
        disk.create_dir(self.home.path()).unwrap();
        House { home: self.home, disk }
    }

    fn content(&self, name: &str) -> Option<Vec<u8>> {
        let file = self.disk.open(&self.path(name)).ok()?;
        let mut bytes = vec![0; file.len_bytes().unwrap() as usize];
        file.read_at(0, &mut bytes).unwrap();
        Some(bytes)
    }

    fn names(&self) -> Vec<String> {
        self.disk.list(self.home.path()).unwrap()
    }

    fn sync_dir(&self) {
        self.disk.sync_dir(self.home.path()).unwrap();
    }
}

fn write(file: &Arc<dyn DiskFile>, offset: u64, bytes: &[u8]) {
    file.write_at(offset, &[IoSlice::new(bytes)]).unwrap();
}

#[test]
fn content_is_there_at_once_and_durable_when_synced() {
    let house = House::new();
    let file = house.create("a");
    write(&file, 0, b"synced");
    file.sync_data().unwrap();
    house.sync_dir();
    write(&file, 2, b"NOT-SYNCED");
    file.truncate(5).unwrap();
    assert_eq!(house.content("a").unwrap(), b"syNOT");
    write(&file, 8, b"x");
    assert_eq!(house.content("a").unwrap(), b"syNOT\0\0\0x");
    assert_eq!(house.after_a_kill().content("a").unwrap(), b"synced");
}

#[test]
fn names_are_there_at_once_and_durable_when_the_directory_is_synced() {
    let house = House::new();
    for name in ["stays", "goes", "moves"] {
        let file = house.create(name);
        write(&file, 0, name.as_bytes());
        file.sync_all().unwrap();
    }
    house.sync_dir();
    house.disk.remove(&house.path("goes")).unwrap();
    house.disk.rename(&house.path("moves"), &house.path("moved")).unwrap();
    let file = house.create("new");
    write(&file, 0, b"new");
    file.sync_all().unwrap();
    assert_eq!(house.names(), ["moved", "new", "stays"]);
    assert!(house.disk.open(&house.path("goes")).is_err());
    let house = house.after_a_kill();
    assert_eq!(house.names(), ["goes", "moves", "stays"]);
    house.disk.remove(&house.path("goes")).unwrap();
    house.disk.rename(&house.path("moves"), &house.path("moved")).unwrap();
    house.sync_dir();
    let house = house.after_a_kill();
    assert_eq!(house.names(), ["moved", "stays"]);
    assert_eq!(house.content("moved").unwrap(), b"moves");
}

#[test]
fn a_removed_name_can_be_given_again() {
    let house = House::new();
    write(&house.create("a"), 0, b"old");
    house.sync_dir();
    house.disk.remove(&house.path("a")).unwrap();
    let file = house.create("a");
    write(&file, 0, b"new");
    file.sync_data().unwrap();
    house.disk.rename(&house.path("a"), &house.path("b")).unwrap();
    house.sync_dir();
    assert_eq!(house.names(), ["b"]);
    assert_eq!(house.after_a_kill().content("b").unwrap(), b"new");
}

#[test]
fn a_power_cut_can_leave_any_sectors_behind() {
    let mut kept = BTreeSet::new();
    for seed in 0..20 {
        let mut house = House::new();
        house.disk = LossyDisk::new(seed);
        let file = house.create("a");
        write(&file, 0, &[b'o'; 4 * SECTOR_BYTES]);
        file.sync_data().unwrap();
        house.sync_dir();
        write(&file, 100, &[b'n'; 3 * SECTOR_BYTES]);
        house.disk.0.lock().unwrap().tear(50);
        let bytes = house.after_a_kill().content("a").unwrap();
        let is_new = |at: usize| bytes[at] == b'n';
        kept.insert([is_new(100), is_new(SECTOR_BYTES), is_new(2 * SECTOR_BYTES), is_new(3 * SECTOR_BYTES)]);
        for sector in bytes[..3 * SECTOR_BYTES].chunks(SECTOR_BYTES).skip(1) {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "a sector is torn");
        }
    }
    assert!(kept.len() > 8, "only {kept:?}");
}

#[test]
fn a_power_cut_leaves_all_or_nothing_when_told_so() {
    for (keep_percent, content) in [(0, None), (100, Some(b"new".to_vec()))] {
        let house = House::new();
        write(&house.create("a"), 0, b"new");
        house.disk.0.lock().unwrap().tear(keep_percent);
        assert_eq!(house.after_a_kill().content("a"), content);
    }
}

#[test]
fn a_lying_disk_says_that_it_synced() {
    let house = House::new();
    let file = house.create("a");
    house.sync_dir();
    house.disk.obey(Order::LieAboutData);
    write(&file, 0, b"lost");
    file.sync_data().unwrap();
    house.disk.obey(Order::LieAboutNames);
    house.create("b");
    house.sync_dir();
    assert_eq!(house.names(), ["a", "b"]);
    let house = house.after_a_kill();
    assert_eq!((house.names(), house.content("a").unwrap()), (vec!["a".to_owned()], vec![]));
}

#[test]
fn a_failing_disk_fails_and_forgets() {
    let house = House::new();
    let file = house.create("a");
    write(&file, 0, b"old");
    file.sync_data().unwrap();
    house.disk.obey(Order::FailSyncs);
    write(&file, 0, b"new!");
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
    assert_eq!(house.content("a").unwrap(), b"old");
    house.disk.obey(Order::FailWrites);
    assert_eq!(file.write_at(0, &[IoSlice::new(b"x")]).unwrap_err().raw_os_error(), Some(5));
}

#[test]
fn a_full_disk_refuses_to_grow_until_something_is_removed() {
    let house = House::new();
    house.disk.obey(Order::Capacity { bytes: 10_000 });
    house.create("a").allocate(6_000).unwrap();
    let file = house.create("b");
    assert_eq!(file.allocate(6_000).unwrap_err().kind(), ErrorKind::StorageFull);
    file.allocate(4_000).unwrap();
    write(&file, 0, &[1; 4_000]);
    assert_eq!(file.write_at(3_999, &[IoSlice::new(b"ab")]).unwrap_err().kind(), ErrorKind::StorageFull);
    house.disk.remove(&house.path("a")).unwrap();
    write(&file, 3_999, b"ab");
}

#[test]
fn orders_are_read_from_text() {
    for (line, order) in [
        ("cut 50", Order::Cut { keep_percent: 50 }),
        ("cut-at-sync 7 0", Order::CutAtSync { skip: 7, keep_percent: 0 }),
        ("lie data", Order::LieAboutData),
        ("lie names", Order::LieAboutNames),
        ("slow 1500", Order::Slow { max_us: 1_500 }),
        ("capacity 1000000", Order::Capacity { bytes: 1_000_000 }),
        ("fail write", Order::FailWrites),
        ("  fail   sync ", Order::FailSyncs),
    ] {
        assert_eq!(line.parse(), Ok(order));
    }
    for line in ["", "cut", "cut 101", "cut-at-sync x 0", "lie", "slow -1", "fail"] {
        assert!(line.parse::<Order>().is_err(), "{line}");
    }
}
