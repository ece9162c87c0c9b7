//! A disk in memory that keeps apart what was synced and what was not, and that fails when told to. For the tests of
//! this crate, and for the simulator; nothing that ships uses it.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Disk, DiskFile};

/// What a disk writes as a whole or not at all, in bytes.
const SECTOR_BYTES: u64 = 512;

/// What can be told to fail, and is counted as a step that a crash may come after.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// [`Disk::create`].
    Create,
    /// [`DiskFile::allocate`].
    Allocate,
    /// [`DiskFile::write_at`].
    Write,
    /// [`DiskFile::truncate`].
    Truncate,
    /// [`DiskFile::sync_data`] and [`DiskFile::sync_all`].
    Sync,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::remove`].
    Remove,
    /// [`Disk::sync_dir`].
    SyncDir,
    /// [`DiskFile::read_at`]; not counted, as it changes nothing.
    Read,
    /// [`Disk::open`]; not counted.
    Open,
}

/// What becomes of that which was not synced when the power goes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of it is lost.
    Everything,
    /// All of it happens to be there.
    Nothing,
    /// Sector by sector and attribute by attribute it is there or not; of changes of names, the first few are.
    Some {
        /// Chooses which.
        seed: u64,
    },
}

#[derive(Clone)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Length(u64),
}

#[derive(Clone, Default)]
struct Inode {
    visible: Vec<u8>,
    durable: Vec<u8>,
    /// What makes `durable` out of `visible` when it is synced.
    pending: Vec<Change>,
}

#[derive(Clone)]
enum NameChange {
    Put(PathBuf, u64),
    Move(PathBuf, PathBuf),
    Drop(PathBuf),
}

#[derive(Clone, Default)]
struct State {
    inodes: HashMap<u64, Inode>,
    next_inode: u64,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    pending_names: Vec<NameChange>,
    locks: HashSet<PathBuf>,
    /// Grows with each crash; what was opened before one works no more.
    life: u64,
    steps: u64,
    crash_at: Option<u64>,
    crashed: bool,
    faults: Vec<(Step, u64, i32)>,
    capacity_bytes: Option<u64>,
    nothing_is_cached: bool,
    ids: u64,
}

/// A simulated disk. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

struct SimFile {
    disk: SimDisk,
    inode: u64,
    life: u64,
}

struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    life: u64,
}

impl SimDisk {
    /// An empty disk without limits.
    #[must_use]
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another disk in the same state, with what is not synced, on which nothing is open.
    #[must_use]
    pub fn fork(&self) -> SimDisk {
        let mut state = self.state().clone();
        state.restart();
        SimDisk(Arc::new(Mutex::new(state)))
    }

    /// How many steps were made so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// Crashes in the middle of the step with this number (the next one is `steps() + 1`): that step and all later ones
    /// fail, until [`SimDisk::lose_power`] or [`SimDisk::kill_process`] starts the machine or the process again.
    pub fn crash_at(&self, step: u64) {
        self.state().crash_at = Some(step);
    }

    /// Whether the crash has happened.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// Has the step of that kind that comes after `skip` more of them fail with this error number of the system. A write
    /// that fails has written all but its last byte; a sync that fails has forgotten what it should have written.
    pub fn fail(&self, step: Step, skip: u64, errno: i32) {
        self.state().faults.push((step, skip, errno));
    }

    /// Takes back all failures that were ordered and have not happened.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// Bounds the sum of the lengths of all files.
    pub fn set_capacity_bytes(&self, capacity_bytes: Option<u64>) {
        self.state().capacity_bytes = capacity_bytes;
    }

    /// The sum of the lengths of all files.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.state().used_bytes()
    }

    /// Whether reads find their bytes in memory; they do on a new disk.
    pub fn set_cached(&self, cached: bool) {
        self.state().nothing_is_cached = !cached;
    }

    /// Ends the process: locks are free, files closed, and what was written is visible though perhaps not durable.
    pub fn kill_process(&self) {
        self.state().restart();
    }

    /// Takes the power away and gives it back.
    pub fn lose_power(&self, loss: Loss) {
        let mut state = self.state();
        let mut dice = Dice(match loss {
            Loss::Some { seed } => seed,
            Loss::Everything | Loss::Nothing => 0,
        });
        let mut keep = move || match loss {
            Loss::Everything => false,
            Loss::Nothing => true,
            Loss::Some { .. } => dice.coin(),
        };
        let changes = std::mem::take(&mut state.pending_names);
        for change in changes {
            if !keep() {
                break;
            }
            apply_name(&mut state.durable_names, change);
        }
        // In order of number, as chance must strike the same in each run.
        let mut numbers: Vec<u64> = state.inodes.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            if let Some(inode) = state.inodes.get_mut(&number) {
                for change in std::mem::take(&mut inode.pending) {
                    apply_partly(&mut inode.durable, change, &mut keep);
                }
                inode.visible.clone_from(&inode.durable);
            }
        }
        state.names = state.durable_names.clone();
        let linked: HashSet<u64> = state.names.values().copied().collect();
        state.inodes.retain(|number, _| linked.contains(number));
        state.restart();
    }

    /// The names and contents of all files, as a process sees them.
    #[must_use]
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state();
        let content = |number: &u64| state.inodes.get(number).map(|inode| inode.visible.clone());
        state.names.iter().filter_map(|(path, number)| Some((path.clone(), content(number)?))).collect()
    }

    /// Puts a file there, durably and without counting a step: damage, or the work of somebody else.
    pub fn put_file(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let number = state.new_inode();
        let inode = Inode { visible: bytes.to_vec(), durable: bytes.to_vec(), pending: Vec::new() };
        state.inodes.insert(number, inode);
        state.names.insert(path.to_path_buf(), number);
        state.durable_names.insert(path.to_path_buf(), number);
    }

    /// Flips the bits of `mask` in one byte of a file, in memory and on the medium: decay. False when there is no such byte.
    pub fn decay(&self, path: &Path, offset: u64, mask: u8) -> bool {
        let mut state = self.state();
        let Some(number) = state.names.get(path).copied() else { return false };
        let Some(inode) = state.inodes.get_mut(&number) else { return false };
        let Some(byte) = inode.visible.get_mut(index(offset)) else { return false };
        *byte ^= mask;
        if let Some(byte) = inode.durable.get_mut(index(offset)) {
            *byte ^= mask;
        }
        true
    }

    /// One byte of a file, as a process sees it.
    #[must_use]
    pub fn byte(&self, path: &Path, offset: u64) -> Option<u8> {
        let state = self.state();
        state.inodes.get(state.names.get(path)?)?.visible.get(index(offset)).copied()
    }

    /// The names and lengths of all files, as a process sees them.
    #[must_use]
    pub fn lengths(&self) -> BTreeMap<PathBuf, u64> {
        let state = self.state();
        let len = |number: &u64| state.inodes.get(number).map(|inode| inode.visible.len() as u64);
        state.names.iter().filter_map(|(path, number)| Some((path.clone(), len(number)?))).collect()
    }

    /// Takes a file away, durably and without counting a step.
    pub fn take_file(&self, path: &Path) {
        let mut state = self.state();
        state.names.remove(path);
        state.durable_names.remove(path);
    }
}

/// A small generator of chance (splitmix64).
struct Dice(u64);

impl Dice {
    fn coin(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) & 1 == 1
    }
}

fn index(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, bytes } => put(content, *offset, bytes),
        Change::Length(len_bytes) => content.resize(index(*len_bytes), 0),
    }
}

fn apply_partly(content: &mut Vec<u8>, change: Change, keep: &mut impl FnMut() -> bool) {
    match change {
        Change::Write { offset, bytes } => {
            let mut done = 0;
            while done < bytes.len() as u64 {
                let at = offset + done;
                let step = (SECTOR_BYTES - at % SECTOR_BYTES).min(bytes.len() as u64 - done);
                if keep() {
                    put(content, at, &bytes[index(done)..index(done + step)]);
                }
                done += step;
            }
        }
        Change::Length(_) => {
            if keep() {
                apply(content, &change);
            }
        }
    }
}

fn put(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let end = index(offset) + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[index(offset)..end].copy_from_slice(bytes);
}

fn apply_name(names: &mut BTreeMap<PathBuf, u64>, change: NameChange) {
    match change {
        NameChange::Put(path, number) => {
            names.insert(path, number);
        }
        NameChange::Move(from, to) => {
            if let Some(number) = names.remove(&from) {
                names.insert(to, number);
            }
        }
        NameChange::Drop(path) => {
            names.remove(&path);
        }
    }
}

impl State {
    fn restart(&mut self) {
        self.locks.clear();
        self.life += 1;
        self.crashed = false;
        self.crash_at = None;
    }

    fn new_inode(&mut self) -> u64 {
        self.next_inode += 1;
        self.next_inode
    }

    fn used_bytes(&self) -> u64 {
        let numbers: HashSet<u64> = self.names.values().copied().collect();
        numbers.iter().filter_map(|n| self.inodes.get(n)).map(|inode| inode.visible.len() as u64).sum()
    }

    fn grow(&self, by_bytes: u64) -> io::Result<()> {
        match self.capacity_bytes {
            Some(capacity) if by_bytes > 0 && self.used_bytes() + by_bytes > capacity => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    /// Counts a step and says what becomes of it. After a crash there are no more.
    fn fate(&mut self, step: Step) -> io::Result<Fate> {
        if self.crashed {
            return Err(io::Error::other("the machine has crashed"));
        }
        if let Some(index) = self.faults.iter().position(|(kind, skip, _)| *kind == step && *skip == 0) {
            let (_, _, errno) = self.faults.remove(index);
            return Ok(Fate::Fails(errno));
        }
        for (kind, skip, _) in &mut self.faults {
            if *kind == step {
                *skip -= 1;
            }
        }
        if matches!(step, Step::Read | Step::Open) {
            return Ok(Fate::Succeeds);
        }
        self.steps += 1;
        if self.crash_at == Some(self.steps) {
            self.crashed = true;
            return Ok(Fate::Crashes);
        }
        Ok(Fate::Succeeds)
    }

    /// As [`State::fate`], for steps that do nothing when they fail.
    fn step(&mut self, step: Step) -> io::Result<Fate> {
        let fate = self.fate(step)?;
        if let Fate::Fails(_) = fate {
            fate.end()?;
        }
        Ok(fate)
    }

    fn change_name(&mut self, change: NameChange) {
        match &change {
            NameChange::Put(path, number) => {
                self.names.insert(path.clone(), *number);
            }
            NameChange::Move(from, to) => {
                if let Some(number) = self.names.remove(from) {
                    self.names.insert(to.clone(), number);
                }
            }
            NameChange::Drop(path) => {
                self.names.remove(path);
            }
        }
        self.pending_names.push(change);
    }
}

/// What becomes of a step.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Fate {
    Succeeds,
    /// It begins, but nobody is told of its end.
    Crashes,
    /// It fails with this error number.
    Fails(i32),
}

impl Fate {
    fn end(self) -> io::Result<()> {
        match self {
            Fate::Succeeds => Ok(()),
            Fate::Crashes => Err(io::Error::other("the machine crashes")),
            Fate::Fails(errno) => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        let mut state = self.state();
        if !state.locks.insert(path.to_path_buf()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let life = state.life;
        drop(state);
        Ok(Box::new(SimLock { disk: self.clone(), path: path.to_path_buf(), life }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let fate = state.step(Step::Create)?;
        let life = state.life;
        let known = state.names.get(path).copied();
        let inode = match known {
            Some(number) => {
                if let Some(inode) = state.inodes.get_mut(&number) {
                    inode.visible.clear();
                    inode.pending.push(Change::Length(0));
                }
                number
            }
            None => {
                let number = state.new_inode();
                state.inodes.insert(number, Inode::default());
                state.change_name(NameChange::Put(path.to_path_buf(), number));
                number
            }
        };
        drop(state);
        fate.end()?;
        Ok(Arc::new(SimFile { disk: self.clone(), inode, life }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.step(Step::Open)?;
        let inode = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        let life = state.life;
        drop(state);
        Ok(Arc::new(SimFile { disk: self.clone(), inode, life }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let fate = state.step(Step::Rename)?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Move(from.to_path_buf(), to.to_path_buf()));
        fate.end()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let fate = state.step(Step::Remove)?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Drop(path.to_path_buf()));
        fate.end()
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.step(Step::SyncDir)?.end()?;
        for change in std::mem::take(&mut state.pending_names) {
            apply_name(&mut state.durable_names, change);
        }
        Ok(())
    }

    fn random_id(&self) -> io::Result<[u8; 16]> {
        let mut state = self.state();
        state.ids += 1;
        let mut id = [0x5a; 16];
        id[..8].copy_from_slice(&state.ids.to_le_bytes());
        Ok(id)
    }
}

impl SimFile {
    /// Makes a step on this file: `change` does to the inode what the step does, given its fate.
    fn with<T>(&self, step: Step, change: impl FnOnce(&mut Inode, Fate) -> T) -> io::Result<T> {
        let mut state = self.disk.state();
        if state.life != self.life {
            return Err(io::Error::other("the file was opened before the crash"));
        }
        let fate = state.fate(step)?;
        let inode = state.inodes.get_mut(&self.inode).ok_or(io::ErrorKind::NotFound)?;
        let result = change(inode, fate);
        fate.end().map(|()| result)
    }

    fn check_growth(&self, len_bytes: u64) -> io::Result<()> {
        let state = self.disk.state();
        let visible = state.inodes.get(&self.inode).map_or(0, |inode| inode.visible.len() as u64);
        state.grow(len_bytes.saturating_sub(visible))
    }

    fn sync(&self) -> io::Result<()> {
        self.with(Step::Sync, |inode, fate| match fate {
            Fate::Succeeds => inode.make_durable(),
            // It stays visible, but is never written any more.
            Fate::Fails(_) => inode.pending.clear(),
            Fate::Crashes => {}
        })
    }
}

impl Inode {
    fn change(&mut self, change: Change) {
        apply(&mut self.visible, &change);
        self.pending.push(change);
    }

    fn make_durable(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, &change);
        }
    }
}

impl DiskFile for SimFile {
    fn len_bytes(&self) -> io::Result<u64> {
        self.with(Step::Read, |inode, _| inode.visible.len() as u64)
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<bool> {
        self.check_growth(len_bytes)?;
        self.with(Step::Allocate, |inode, fate| {
            inode.change(Change::Length(len_bytes));
            if fate == Fate::Succeeds {
                inode.make_durable();
            }
            // Reserving costs nothing here, and steps that change nothing would only make the enumerations longer.
            false
        })
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.with(Step::Read, |inode, fate| {
            fate.end()?;
            let bytes = inode.visible.get(index(offset)..).and_then(|rest| rest.get(..buf.len()));
            buf.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })?
    }

    fn read_cached_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<bool> {
        if self.disk.state().nothing_is_cached {
            return Ok(false);
        }
        self.read_at(offset, buf).map(|()| true)
    }

    fn write_at(&self, offset: u64, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        self.check_growth(offset + bytes.len() as u64)?;
        self.with(Step::Write, |inode, fate| {
            let mut bytes = bytes;
            if matches!(fate, Fate::Fails(_)) {
                bytes.pop();
            }
            inode.change(Change::Write { offset, bytes });
        })
    }

    fn truncate(&self, len_bytes: u64) -> io::Result<()> {
        self.with(Step::Truncate, |inode, fate| {
            if !matches!(fate, Fate::Fails(_)) {
                inode.change(Change::Length(len_bytes));
            }
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.life == self.life {
            state.locks.remove(&self.path);
        }
    }
}
