//! SQLite's table of functions for files: those of the system, with a disk in between where a file is on one.
//!
//! A file is [`File`], and behind it in the same memory the system's own (<https://sqlite.org/vfs.html>). What shares memory
//! and locks goes through.

#![expect(unsafe_code, reason = "SQLite calls a file system through C functions and hands out raw memory")]

use std::{
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    ptr, slice,
    sync::{Arc, OnceLock},
};

use libsqlite3_sys as sqlite;
use sqlite::{sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

use crate::{
    disk::Shared,
    fault::{Call, Refusal},
};

/// A file on a disk. The system's begins where it ends.
#[repr(C)]
struct File {
    base: sqlite3_file,
    on: *const OnDisk,
}

struct OnDisk {
    disk: Arc<Shared>,
    path: PathBuf,
}

/// SQLite's functions of the system.
struct System(*mut sqlite3_vfs);

// SAFETY: SQLite's own table is never changed after it was registered, and its functions may be called from any thread.
unsafe impl Send for System {}
// SAFETY: as above.
unsafe impl Sync for System {}

static SYSTEM: OnceLock<Option<System>> = OnceLock::new();

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // The second: with shared memory, and without the mapping of files.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes it SQLite's default, once and for the life of the process.
pub(crate) fn install() -> io::Result<()> {
    let system = SYSTEM.get_or_init(|| {
        // SAFETY: the name ends with a zero; SQLite answers null or a table that lives as long as the process.
        let system = unsafe { sqlite::sqlite3_vfs_find(c"unix".as_ptr()) };
        if system.is_null() {
            return None;
        }
        // SAFETY: it is not null, and a table of functions may be copied.
        let mut ours = unsafe { *system };
        let ours_bytes = c_int::try_from(size_of::<File>()).ok()?;
        ours.szOsFile += ours_bytes;
        ours.pNext = ptr::null_mut();
        ours.zName = c"powercut".as_ptr();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        // SAFETY: the table is never freed, and its name is static.
        let registered = unsafe { sqlite::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1) };
        (registered == sqlite::SQLITE_OK).then_some(System(system))
    });
    system.as_ref().map(|_| ()).ok_or_else(|| io::Error::other("SQLite has no file system named unix"))
}

fn system() -> *mut sqlite3_vfs {
    SYSTEM.get().and_then(Option::as_ref).expect("it was installed before SQLite could call it").0
}

/// What SQLite is told: <https://sqlite.org/rescode.html>.
fn code(call: Call, refusal: Refusal) -> c_int {
    match (refusal, call) {
        (Refusal::Full, _) => sqlite::SQLITE_FULL,
        (Refusal::Io, Call::Delete) => sqlite::SQLITE_IOERR_DELETE,
        (Refusal::Io, Call::Open) => sqlite::SQLITE_CANTOPEN,
        (Refusal::Io, Call::Read) => sqlite::SQLITE_IOERR_READ,
        (Refusal::Io, Call::Sync) => sqlite::SQLITE_IOERR_FSYNC,
        (Refusal::Io, Call::Truncate) => sqlite::SQLITE_IOERR_TRUNCATE,
        (Refusal::Io, Call::Write) => sqlite::SQLITE_IOERR_WRITE,
    }
}

/// # Safety
/// `name` is null or ends with a zero.
unsafe fn disk_of(name: *const c_char) -> Option<OnDisk> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    let path = Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()));
    Some(OnDisk { disk: Shared::of(path)?, path: path.to_owned() })
}

/// # Safety
/// `file` was opened by [`open`], on a disk, and is not closed.
unsafe fn parts<'f>(file: *mut sqlite3_file) -> (&'f OnDisk, *mut sqlite3_file, &'f sqlite3_io_methods) {
    // SAFETY: such a file is a `File` with the system's behind it, whose methods are set while it is open.
    unsafe {
        let ours = file.cast::<File>();
        let theirs = ours.add(1).cast::<sqlite3_file>();
        (&*(*ours).on, theirs, &*(*theirs).pMethods)
    }
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    opened_flags: *mut c_int,
) -> c_int {
    let system = system();
    // SAFETY: SQLite's promises to a VFS are handed on to the system's: a name that is null or ends with a zero, and memory
    // of `szOsFile` bytes, which is room for both.
    unsafe {
        let Some(system_open) = (*system).xOpen else { return sqlite::SQLITE_CANTOPEN };
        let Some(on) = disk_of(name) else { return system_open(system, name, file, flags, opened_flags) };
        (*file).pMethods = ptr::null();
        let flags = match on.disk.open(&on.path) {
            Ok(false) => flags,
            Ok(true) => {
                let writes = sqlite::SQLITE_OPEN_READWRITE | sqlite::SQLITE_OPEN_CREATE;
                (flags & !writes) | sqlite::SQLITE_OPEN_READONLY
            }
            Err(refusal) => return code(Call::Open, refusal),
        };
        let ours = file.cast::<File>();
        let opened = system_open(system, name, ours.add(1).cast(), flags, opened_flags);
        if opened == sqlite::SQLITE_OK {
            (*ours).on = Box::into_raw(Box::new(on));
            (*file).pMethods = &raw const METHODS;
        } else {
            on.disk.close();
        }
        opened
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    let system = system();
    // SAFETY: the name is handed on as SQLite gave it.
    unsafe {
        if let Some(on) = disk_of(name)
            && let Err(refusal) = on.disk.delete(&on.path, sync_folder != 0)
        {
            return code(Call::Delete, refusal);
        }
        (*system).xDelete.map_or(sqlite::SQLITE_IOERR_DELETE, |delete| delete(system, name, 0))
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; what was made of it at `open` is taken back here.
    unsafe {
        let (_, theirs, methods) = parts(file);
        let closed = methods.xClose.map_or(sqlite::SQLITE_OK, |close| close(theirs));
        let on = Box::from_raw((*file.cast::<File>()).on.cast_mut());
        (*file).pMethods = ptr::null();
        on.disk.close();
        closed
    }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    buffer: *mut c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: the arguments are handed on.
    unsafe {
        let (on, theirs, methods) = parts(file);
        match on.disk.read() {
            Ok(()) => {
                methods.xRead.map_or(sqlite::SQLITE_IOERR_READ, |read| read(theirs, buffer, length, at))
            }
            Err(refusal) => code(Call::Read, refusal),
        }
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    buffer: *const c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    let (Ok(count), Ok(place)) = (usize::try_from(length), usize::try_from(at)) else {
        return sqlite::SQLITE_IOERR_WRITE;
    };
    // SAFETY: SQLite gives `length` bytes at `buffer`; the arguments are handed on.
    unsafe {
        let (on, theirs, methods) = parts(file);
        match on.disk.write(&on.path, place, slice::from_raw_parts(buffer.cast(), count)) {
            Ok(()) => {
                methods.xWrite.map_or(sqlite::SQLITE_IOERR_WRITE, |write| write(theirs, buffer, length, at))
            }
            Err(refusal) => code(Call::Write, refusal),
        }
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    let Ok(count) = usize::try_from(length) else { return sqlite::SQLITE_IOERR_TRUNCATE };
    // SAFETY: the arguments are handed on.
    unsafe {
        let (on, theirs, methods) = parts(file);
        match on.disk.truncate(&on.path, count) {
            Ok(()) => {
                methods.xTruncate.map_or(sqlite::SQLITE_IOERR_TRUNCATE, |truncate| truncate(theirs, length))
            }
            Err(refusal) => code(Call::Truncate, refusal),
        }
    }
}

/// The system's own sync is not called: what it would make certain is what the disk says.
unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: SQLite calls with an open file.
    let (on, ..) = unsafe { parts(file) };
    on.disk.sync(&on.path).map_or_else(|refusal| code(Call::Sync, refusal), |()| sqlite::SQLITE_OK)
}

/// Functions that go through to the system's file of the same table.
macro_rules! through {
    ($($name:ident => $method:ident($($argument:ident: $kind:ty),*) -> $answer:ty, else $none:expr;)*) => { $(
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $kind),*) -> $answer {
            // SAFETY: SQLite calls with an open file, and what it gives is handed on.
            unsafe {
                let (_, theirs, methods) = parts(file);
                methods.$method.map_or($none, |method| method(theirs, $($argument),*))
            }
        }
    )* };
}

through! {
    file_size => xFileSize(size: *mut sqlite3_int64) -> c_int, else sqlite::SQLITE_IOERR;
    lock => xLock(level: c_int) -> c_int, else sqlite::SQLITE_IOERR;
    unlock => xUnlock(level: c_int) -> c_int, else sqlite::SQLITE_IOERR;
    check_reserved_lock => xCheckReservedLock(held: *mut c_int) -> c_int, else sqlite::SQLITE_IOERR;
    file_control => xFileControl(what: c_int, argument: *mut c_void) -> c_int, else sqlite::SQLITE_NOTFOUND;
    sector_size => xSectorSize() -> c_int, else 0;
    device_characteristics => xDeviceCharacteristics() -> c_int, else 0;
    shm_map => xShmMap(region: c_int, bytes: c_int, extend: c_int, at: *mut *mut c_void) -> c_int,
        else sqlite::SQLITE_IOERR;
    shm_lock => xShmLock(from: c_int, count: c_int, flags: c_int) -> c_int, else sqlite::SQLITE_IOERR;
    shm_barrier => xShmBarrier() -> (), else ();
    shm_unmap => xShmUnmap(deletes: c_int) -> c_int, else sqlite::SQLITE_IOERR;
}
