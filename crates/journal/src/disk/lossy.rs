//! A disk for tests of real processes: what was not synced is in this process's memory only, and dies with it.
//!
//! After a SIGKILL a real disk still has all that was written, as the page cache outlives the process. Here it has what
//! was synced, so that a SIGKILL is a power cut. Names are as volatile as contents: a file appears, moves and disappears
//! on the real disk only with [`Disk::sync_dir`]; until then its content is in a directory of nameless files
//! ([`NAMELESS_DIR`]), which the next opening clears. The disk can also be told to cut the power itself and to leave any part
//! of what was not synced behind, to fail, to be full, or to lie about syncs (see [`Order`]).
//!
//! The directories that files are in may be used by one process at a time, through one such disk.

mod order;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{self, ErrorKind, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::order::Order;
use super::{Disk, DiskFile, RealDisk};

/// Where files are that have no durable name yet.
const NAMELESS_DIR: &str = "nameless";

/// What a disk writes as a whole or not at all, in bytes.
const SECTOR_BYTES: usize = 512;

/// A change of a file's content that is not synced.
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Length(u64),
}

/// A file, named or not, that this process has seen.
struct Inode {
    real: Arc<dyn DiskFile>,
    /// As this process sees it, in bytes.
    len_bytes: u64,
    pending: Vec<Change>,
    /// How often it is open.
    handles: usize,
}

/// A change of names that is not synced.
enum NameChange {
    /// A new file gets its first name.
    Put {
        nameless: PathBuf,
        to: PathBuf,
    },
    Move {
        from: PathBuf,
        to: PathBuf,
    },
    Drop(PathBuf),
}

impl NameChange {
    fn is_in(&self, dir: &Path) -> bool {
        let (NameChange::Put { to: path, .. } | NameChange::Move { to: path, .. } | NameChange::Drop(path)) =
            self;
        path.parent() == Some(dir)
    }

    fn apply(&self) -> io::Result<()> {
        match self {
            NameChange::Put { nameless, to } => fs::rename(nameless, to),
            NameChange::Move { from, to } => fs::rename(from, to),
            NameChange::Drop(path) => fs::remove_file(path),
        }
    }
}

#[derive(Default)]
struct Faults {
    cut_at_sync: Option<(u64, u32)>,
    lies_about_data: bool,
    lies_about_names: bool,
    fails_writes: bool,
    fails_syncs: bool,
    slow_us: u64,
    capacity_bytes: Option<u64>,
}

struct World {
    inodes: HashMap<u64, Inode>,
    next_inode: u64,
    /// What names mean to this process where it is not what the real disk says, or where the file was opened. `None`: gone.
    names: BTreeMap<PathBuf, Option<u64>>,
    pending_names: Vec<NameChange>,
    faults: Faults,
    dice: Dice,
    /// The power is gone: nothing happens any more.
    is_off: bool,
}

/// A disk that forgets. Clones are the same disk.
#[derive(Clone)]
pub struct LossyDisk(Arc<Mutex<World>>);

struct LossyFile {
    disk: LossyDisk,
    inode: u64,
}

impl LossyDisk {
    /// A disk that loses what is not synced and has no other faults yet; `seed` decides what chance decides.
    #[must_use]
    pub fn new(seed: u64) -> LossyDisk {
        LossyDisk(Arc::new(Mutex::new(World {
            inodes: HashMap::new(),
            next_inode: 0,
            names: BTreeMap::new(),
            pending_names: Vec::new(),
            faults: Faults::default(),
            dice: Dice(seed),
            is_off: false,
        })))
    }

    /// Does as it is told. [`Order::Cut`] ends the process.
    pub fn obey(&self, order: Order) {
        let mut world = self.world();
        let faults = &mut world.faults;
        match order {
            Order::Cut { keep_percent } => cut_power(world, keep_percent),
            Order::CutAtSync { skip, keep_percent } => faults.cut_at_sync = Some((skip, keep_percent)),
            Order::LieAboutData => faults.lies_about_data = true,
            Order::LieAboutNames => faults.lies_about_names = true,
            Order::Slow { max_us } => faults.slow_us = max_us,
            Order::Capacity { bytes } => faults.capacity_bytes = Some(bytes),
            Order::FailWrites => faults.fails_writes = true,
            Order::FailSyncs => faults.fails_syncs = true,
        }
    }

    /// Who comes once the power is gone waits for ever.
    fn world(&self) -> MutexGuard<'_, World> {
        let world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if world.is_off {
            drop(world);
            loop {
                std::thread::park();
            }
        }
        world
    }

    /// Takes as long as a sync does, and fails or ends everything if it is time for that.
    fn begin_sync(&self) -> io::Result<MutexGuard<'_, World>> {
        let mut world = self.world();
        let max_us = world.faults.slow_us;
        if max_us > 0 {
            let pause_us = world.dice.below(max_us + 1);
            drop(world);
            pause(pause_us);
            world = self.world();
        }
        match &mut world.faults.cut_at_sync {
            Some((0, keep_percent)) => {
                let keep_percent = *keep_percent;
                cut_power(world, keep_percent)
            }
            Some((skip, _)) => *skip -= 1,
            None => {}
        }
        if world.faults.fails_syncs { Err(broken()) } else { Ok(world) }
    }

    fn file(&self, world: &mut World, inode: u64) -> Arc<dyn DiskFile> {
        if let Some(found) = world.inodes.get_mut(&inode) {
            found.handles += 1;
        }
        Arc::new(LossyFile { disk: self.clone(), inode })
    }
}

/// Leaves some of what was not synced on the disk, and ends the process.
fn cut_power(mut world: MutexGuard<'_, World>, keep_percent: u32) -> ! {
    world.tear(keep_percent);
    std::process::abort()
}

#[expect(clippy::disallowed_methods, reason = "a slow disk is one that lets real time pass")]
fn pause(us: u64) {
    std::thread::sleep(Duration::from_micros(us));
}

/// As the system reports a medium that failed (EIO), for which there is no stable kind.
fn broken() -> io::Error {
    io::Error::from_raw_os_error(5)
}

impl World {
    fn add(&mut self, real: Arc<dyn DiskFile>, len_bytes: u64) -> u64 {
        self.next_inode += 1;
        self.inodes.insert(self.next_inode, Inode { real, len_bytes, pending: Vec::new(), handles: 0 });
        self.next_inode
    }

    fn inode(&mut self, number: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&number).ok_or_else(|| io::Error::other("a file that is not open"))
    }

    fn exists(&self, path: &Path) -> bool {
        self.names.get(path).map_or_else(|| path.exists(), Option::is_some)
    }

    /// Closes files that have no name and are not open, so that the real disk has their space.
    fn let_go(&mut self) {
        let named: BTreeSet<u64> = self.names.values().filter_map(|inode| *inode).collect();
        self.inodes.retain(|number, inode| inode.handles > 0 || named.contains(number));
    }

    /// The sum of the lengths of all files but this one, in bytes.
    fn used_bytes(&self, but: u64) -> u64 {
        let named: BTreeSet<u64> = self.names.values().filter_map(|inode| *inode).collect();
        let others = named.iter().filter(|named| **named != but).filter_map(|named| self.inodes.get(named));
        others.map(|inode| inode.len_bytes).sum()
    }

    /// Refuses to let a file grow beyond what the disk holds.
    fn check_growth(&self, inode: u64, len_bytes: u64) -> io::Result<()> {
        let used_bytes = self.used_bytes(inode);
        match self.faults.capacity_bytes {
            Some(capacity_bytes) if used_bytes + len_bytes > capacity_bytes => {
                Err(ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    /// Leaves each sector and each change of length that was not synced on the disk or not, and the first few changes
    /// of names, as a journaling file system does. After that the disk is dead.
    fn tear(&mut self, keep_percent: u32) {
        self.is_off = true;
        let keep = u64::from(keep_percent);
        let named = self.pending_names.len() as u64;
        let names = if keep == 100 { named } else { self.dice.below(named * keep / 50 + 1).min(named) };
        let dice = &mut self.dice;
        for inode in self.inodes.values_mut() {
            for change in inode.pending.drain(..) {
                // What can't be written is lost: that is what the power cut is for.
                let _ = match change {
                    Change::Length(len_bytes) if dice.below(100) < keep => inode.real.truncate(len_bytes),
                    Change::Length(_) => Ok(()),
                    Change::Write { offset, bytes } => {
                        write_some_sectors(&*inode.real, offset, &bytes, || dice.below(100) < keep)
                    }
                };
            }
        }
        for change in self.pending_names.drain(..).take(usize::try_from(names).unwrap_or(usize::MAX)) {
            let _ = change.apply();
        }
    }
}

fn write_some_sectors(
    file: &dyn DiskFile,
    offset: u64,
    bytes: &[u8],
    mut keep: impl FnMut() -> bool,
) -> io::Result<()> {
    let to_boundary = SECTOR_BYTES - usize::try_from(offset % SECTOR_BYTES as u64).unwrap_or(0);
    let (first, rest) = bytes.split_at(to_boundary.min(bytes.len()));
    let mut at = offset;
    for sector in std::iter::once(first).chain(rest.chunks(SECTOR_BYTES)) {
        if keep() {
            file.write_at(at, &[IoSlice::new(sector)])?;
        }
        at += sector.len() as u64;
    }
    Ok(())
}

impl Inode {
    /// Makes everything real.
    fn settle(&mut self) -> io::Result<()> {
        for change in self.pending.drain(..) {
            match change {
                Change::Write { offset, bytes } => self.real.write_at(offset, &[IoSlice::new(&bytes)])?,
                Change::Length(len_bytes) => self.real.truncate(len_bytes)?,
            }
        }
        Ok(())
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset + buf.len() as u64;
        if end > self.len_bytes {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        buf.fill(0);
        let there = self.real.len_bytes()?.clamp(offset, end) - offset;
        self.real.read_at(offset, &mut buf[..usize::try_from(there).unwrap_or(0)])?;
        for change in &self.pending {
            match change {
                Change::Length(len_bytes) => {
                    let from = len_bytes.clamp(&offset, &end) - offset;
                    buf[usize::try_from(from).unwrap_or(0)..].fill(0);
                }
                Change::Write { offset: at, bytes } => {
                    let (from, to) = ((*at).max(offset), (at + bytes.len() as u64).min(end));
                    if from < to {
                        let within = |start: u64| (from - start) as usize..(to - start) as usize;
                        buf[within(offset)].copy_from_slice(&bytes[within(*at)]);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Disk for LossyDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let nameless = dir.join(NAMELESS_DIR);
        match fs::remove_dir_all(&nameless) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        RealDisk.create_dir(dir)?;
        fs::create_dir(nameless)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let world = self.world();
        let mut names: BTreeSet<String> = RealDisk.list(dir)?.into_iter().collect();
        names.remove(NAMELESS_DIR);
        for (path, inode) in world.names.iter().filter(|(path, _)| path.parent() == Some(dir)) {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            match inode {
                Some(_) => names.insert(name.to_owned()),
                None => names.remove(name),
            };
        }
        Ok(names.into_iter().collect())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        RealDisk.lock(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.world();
        let dir = path.parent().unwrap_or(Path::new("."));
        let nameless = dir.join(NAMELESS_DIR).join((world.next_inode + 1).to_string());
        let inode = world.add(RealDisk.create(&nameless)?, 0);
        world.names.insert(path.to_path_buf(), Some(inode));
        world.pending_names.push(NameChange::Put { nameless, to: path.to_path_buf() });
        Ok(self.file(&mut world, inode))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = self.world();
        let inode = match world.names.get(path) {
            Some(Some(inode)) => *inode,
            Some(None) => return Err(ErrorKind::NotFound.into()),
            None => {
                let real = RealDisk.open(path)?;
                let len_bytes = real.len_bytes()?;
                let inode = world.add(real, len_bytes);
                world.names.insert(path.to_path_buf(), Some(inode));
                inode
            }
        };
        Ok(self.file(&mut world, inode))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        // Opening it makes sure that it is there, and gives it a number.
        self.open(from)?;
        let mut world = self.world();
        let inode = world.names.insert(from.to_path_buf(), None).flatten();
        world.names.insert(to.to_path_buf(), inode);
        world.pending_names.push(NameChange::Move { from: from.to_path_buf(), to: to.to_path_buf() });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        if !world.exists(path) {
            return Err(ErrorKind::NotFound.into());
        }
        world.names.insert(path.to_path_buf(), None);
        world.pending_names.push(NameChange::Drop(path.to_path_buf()));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.begin_sync()?;
        if world.faults.lies_about_names {
            return Ok(());
        }
        let pending = std::mem::take(&mut world.pending_names);
        let (here, elsewhere) = pending.into_iter().partition(|change| change.is_in(dir));
        world.pending_names = elsewhere;
        for change in &here {
            change.apply()?;
        }
        // Names that mean the same to the real disk now need no remembering.
        world.names.retain(|path, inode| inode.is_some() || path.parent() != Some(dir));
        world.let_go();
        Ok(())
    }

    fn free_bytes(&self, _dir: &Path) -> Option<u64> {
        let world = self.world();
        let capacity_bytes = world.faults.capacity_bytes?;
        Some(capacity_bytes.saturating_sub(world.used_bytes(0)))
    }

    fn random_id(&self) -> io::Result<[u8; 16]> {
        RealDisk.random_id()
    }
}

impl DiskFile for LossyFile {
    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.disk.world().inode(self.inode)?.len_bytes)
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<bool> {
        let mut world = self.disk.world();
        world.check_growth(self.inode, len_bytes)?;
        let inode = world.inode(self.inode)?;
        inode.settle()?;
        let only_reserved = inode.real.allocate(len_bytes)?;
        inode.len_bytes = len_bytes.max(inode.len_bytes);
        Ok(only_reserved)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.disk.world().inode(self.inode)?.read(offset, buf)
    }

    fn read_cached_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<bool> {
        let mut world = self.disk.world();
        let inode = world.inode(self.inode)?;
        if inode.pending.is_empty() { inode.real.read_cached_at(offset, buf) } else { Ok(false) }
    }

    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let mut world = self.disk.world();
        if world.faults.fails_writes {
            return Err(broken());
        }
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let end = offset + bytes.len() as u64;
        if end > world.inode(self.inode)?.len_bytes {
            world.check_growth(self.inode, end)?;
        }
        let inode = world.inode(self.inode)?;
        inode.len_bytes = inode.len_bytes.max(end);
        inode.pending.push(Change::Write { offset, bytes });
        Ok(())
    }

    fn truncate(&self, len_bytes: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        let inode = world.inode(self.inode)?;
        inode.len_bytes = len_bytes;
        inode.pending.push(Change::Length(len_bytes));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.disk.begin_sync() {
            Ok(world) if world.faults.lies_about_data => Ok(()),
            Ok(mut world) => world.inode(self.inode)?.settle(),
            Err(error) => self.forget(error),
        }
    }

    fn sync_all(&self) -> io::Result<()> {
        match self.disk.begin_sync() {
            Ok(mut world) => world.inode(self.inode)?.settle(),
            Err(error) => self.forget(error),
        }
    }
}

impl Drop for LossyFile {
    fn drop(&mut self) {
        let mut world = self.disk.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inode) = world.inodes.get_mut(&self.inode) {
            inode.handles -= 1;
            if inode.handles == 0 {
                world.let_go();
            }
        }
    }
}

impl LossyFile {
    /// After a sync that failed the system takes pages for clean that were never written.
    fn forget(&self, error: io::Error) -> io::Result<()> {
        let mut world = self.disk.world();
        let inode = world.inode(self.inode)?;
        inode.pending.clear();
        inode.len_bytes = inode.real.len_bytes()?;
        Err(error)
    }
}

/// Chance with a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
