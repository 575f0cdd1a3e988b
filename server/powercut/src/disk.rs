//! A disk: its files, its power and its faults.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use rand::{SeedableRng as _, rngs::StdRng};

use crate::{
    fault::{Call, Faults, Lasts, Refusal},
    image::Image,
    vfs,
};

/// A disk under the databases of a folder. Its faults begin when they are told to and end with [`Disk::heal`].
#[derive(Debug)]
pub struct Disk(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    folder: PathBuf,
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<PathBuf, Image>,
    faults: Faults,
    is_cut: bool,
    /// How many files are open.
    open: usize,
}

/// The disks of this process, for SQLite has one table of functions for all.
static DISKS: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());
/// How long those who have files open are waited for after a cut.
const CLOSED_WITHIN: Duration = Duration::from_secs(20);

impl Disk {
    /// Puts a folder on a disk, before a database in it is opened.
    pub fn under(folder: impl AsRef<Path>) -> io::Result<Self> {
        vfs::install()?;
        let folder = folder.as_ref().canonicalize()?;
        let shared = Arc::new(Shared { folder, state: Mutex::default(), closed: Condvar::new() });
        let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        disks.retain(|disk| disk.strong_count() > 0);
        disks.push(Arc::downgrade(&shared));
        Ok(Self(shared))
    }

    /// Cuts the power: from now on every call fails.
    pub fn cut(&self) {
        self.0.lock().is_cut = true;
    }

    /// Cuts the power in the middle of the `number`th call from now that changes something.
    pub fn cut_at(&self, number: u64) {
        self.0.lock().faults.cut_at(number);
    }

    /// Whether the power is cut.
    pub fn is_cut(&self) -> bool {
        self.0.lock().is_cut
    }

    /// Gives the power back, and heals: of what was not synced, what the seed says is there. Waits until nobody has a
    /// file open: who had one when the power went is to be gone.
    pub fn power_on(&self, seed: u64) -> io::Result<()> {
        let state = self.0.lock();
        let waited = self.0.closed.wait_timeout_while(state, CLOSED_WITHIN, |state| state.open > 0);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(io::Error::other("files are still open"));
        }
        let mut luck = StdRng::seed_from_u64(seed);
        for (path, image) in &mut state.files {
            match image.survive(&mut luck) {
                Some(content) => fs::write(path, content)?,
                None => remove(path)?,
            }
            // What connections share is memory.
            let mut shared_memory = path.clone().into_os_string();
            shared_memory.push("-shm");
            remove(Path::new(&shared_memory))?;
        }
        state.faults = Faults::default();
        state.is_cut = false;
        Ok(())
    }

    /// Lets the `number`th call from now fail, of one kind or of all, and all later ones if it is for ever.
    pub fn fail_at(&self, number: u64, lasts: Lasts, of: Option<Call>) {
        self.0.lock().faults.fail_at(number, lasts, of);
    }

    /// Leaves room for so many bytes.
    pub fn full(&self, room: usize) {
        self.0.lock().faults.room = Some(room);
    }

    /// Lets nothing be changed, as a file system does that was mounted again after an error: what is open fails, and what
    /// is opened is for reading.
    pub fn read_only(&self) {
        self.0.lock().faults.read_only = true;
    }

    /// Lets each sync take so long.
    pub fn slow(&self, sync_takes: Duration) {
        self.0.lock().faults.sync_takes = sync_takes;
    }

    /// Ends all faults but a cut, and begins to count calls anew.
    pub fn heal(&self) {
        self.0.lock().faults = Faults::default();
    }

    /// How many calls, of one kind or of all, were made since the disk was healed last.
    pub fn calls(&self, of: Option<Call>) -> u64 {
        self.0.lock().faults.calls(of)
    }
}

impl Shared {
    /// The disk that a file is on, if it is on one.
    pub(crate) fn of(path: &Path) -> Option<Arc<Self>> {
        let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        disks.iter().filter_map(Weak::upgrade).find(|disk| path.starts_with(&disk.folder))
    }

    /// Whether it may be opened, and if so, only to be read.
    pub(crate) fn open(&self, path: &Path) -> Result<bool, Refusal> {
        let mut state = self.lock();
        state.meet(Call::Open, 0)?;
        if !state.files.contains_key(path) {
            let content = match fs::read(path) {
                Ok(content) => Some(content),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(_) => return Err(Refusal::Io),
            };
            state.files.insert(path.to_owned(), Image::found(content));
        }
        state.open += 1;
        Ok(state.faults.read_only)
    }

    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.open = state.open.saturating_sub(1);
        drop(state);
        self.closed.notify_all();
    }

    pub(crate) fn read(&self) -> Result<(), Refusal> {
        self.lock().meet(Call::Read, 0)
    }

    pub(crate) fn write(&self, path: &Path, at: usize, bytes: &[u8]) -> Result<(), Refusal> {
        let mut state = self.lock();
        let growth = (at + bytes.len()).saturating_sub(state.length(path));
        let cuts = state.cuts(Call::Write);
        state.meet(Call::Write, growth)?;
        state.files.entry(path.to_owned()).or_default().write(at, bytes);
        state.go_on(cuts)
    }

    pub(crate) fn truncate(&self, path: &Path, length: usize) -> Result<(), Refusal> {
        let mut state = self.lock();
        let freed = state.length(path).saturating_sub(length);
        let cuts = state.cuts(Call::Truncate);
        state.meet(Call::Truncate, 0)?;
        state.free(freed);
        state.files.entry(path.to_owned()).or_default().truncate(length);
        state.go_on(cuts)
    }

    pub(crate) fn sync(&self, path: &Path) -> Result<(), Refusal> {
        let takes = self.lock().faults.sync_takes;
        if !takes.is_zero() {
            thread::sleep(takes);
        }
        let mut state = self.lock();
        let cuts = state.cuts(Call::Sync);
        state.go_on(cuts)?;
        state.meet(Call::Sync, 0)?;
        let is_new = state.files.entry(path.to_owned()).or_default().sync();
        // SQLite syncs the folder with the first sync of a file that it made.
        if is_new {
            state.files.values_mut().for_each(Image::sync_name);
        }
        Ok(())
    }

    pub(crate) fn delete(&self, path: &Path, sync_folder: bool) -> Result<(), Refusal> {
        let mut state = self.lock();
        let freed = state.length(path);
        let cuts = state.cuts(Call::Delete);
        state.meet(Call::Delete, 0)?;
        state.free(freed);
        let image = state.files.entry(path.to_owned()).or_default();
        image.delete();
        if sync_folder && !cuts {
            state.files.values_mut().for_each(Image::sync_name);
        }
        state.go_on(cuts)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn meet(&mut self, call: Call, growth: usize) -> Result<(), Refusal> {
        self.go_on(false)?;
        self.faults.meet(call, growth)
    }

    fn cuts(&mut self, call: Call) -> bool {
        !self.is_cut && self.faults.cuts(call)
    }

    /// An error if the power is gone, or goes now.
    fn go_on(&mut self, cuts: bool) -> Result<(), Refusal> {
        self.is_cut |= cuts;
        if self.is_cut { Err(Refusal::Io) } else { Ok(()) }
    }

    fn length(&self, path: &Path) -> usize {
        self.files.get(path).map_or(0, Image::length)
    }

    fn free(&mut self, bytes: usize) {
        if let Some(room) = &mut self.faults.room {
            *room += bytes;
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
