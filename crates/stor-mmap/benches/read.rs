//! Measures the cost of `Arena::read` over the bare system calls: openat, read, fstat and close into
//! a reused buffer. The contestants take turns, because only the ratio of one run is meaningful.
//!
//! `cargo bench -p scrollback-stor-mmap --bench read`
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark talks and may panic")]
#![expect(clippy::disallowed_methods, reason = "it writes the files that it reads")]

fn main() {
    #[cfg(unix)]
    unix::main();
    #[cfg(not(unix))]
    println!("skipped: the bare loop needs Unix system calls");
}

#[cfg(unix)]
mod unix {
    use std::ffi::CString;
    use std::hint::black_box;
    use std::os::fd::{AsFd, OwnedFd};
    use std::time::{Duration, Instant};

    use rustix::buffer::spare_capacity;
    use rustix::fs::{CWD, Mode, OFlags, fstat, openat};
    use rustix::io::read;
    use scrollback_core_id::{Clock, UnixNanos};
    use scrollback_stor_mmap::{Arena, Dir, ReadContext, ReadOptions};

    const ROUNDS: usize = 201;
    const REPEATS: u32 = 10;

    /// A clock at the end of time: every file is settled.
    struct FarFutureClock;

    impl Clock for FarFutureClock {
        fn now(&self) -> UnixNanos {
            UnixNanos(i64::MAX)
        }

        fn pause(&self, _: Duration) {}
    }

    pub(super) fn main() {
        for (files, len) in [(160, 1 << 10), (160, 200), (40, 16 << 10)] {
            compare(files, len);
        }
    }

    fn compare(files: usize, len: usize) {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let names: Vec<CString> = (0..files)
            .map(|n| CString::new(format!("prt_{n:012x}0123456789abcd.json")).expect("no NUL"))
            .collect();
        for name in &names {
            let path = temporary.path().join(name.to_str().expect("ASCII"));
            std::fs::write(path, vec![b'x'; len]).expect("a written file");
        }

        let dir = Dir::open(temporary.path()).expect("the directory");
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(CWD, temporary.path(), flags, Mode::empty()).expect("the directory");
        let context = ReadContext::begin(&FarFutureClock, ReadOptions::default());
        let mut arena = Arena::new();
        let mut buffer = Vec::with_capacity(1 << 20);

        // A reused arena, as a scan has it; and a new arena each time, as a kept tree has it.
        let contestants: [(&str, &mut dyn FnMut()); 3] = [
            ("bare", &mut || read_with_syscalls(&fd, &names, &mut buffer)),
            ("arena, cleared", &mut || {
                arena.clear();
                read_into_arena(&mut arena, &dir, &names, &context);
            }),
            ("arena, new and frozen", &mut || {
                let mut arena = Arena::new();
                read_into_arena(&mut arena, &dir, &names, &context);
                black_box(arena.freeze());
            }),
        ];
        let mut times = [const { Vec::new() }; 3];
        let mut contestants = contestants;
        for _ in 0..ROUNDS {
            for (times, (_, run)) in times.iter_mut().zip(&mut contestants) {
                let start = Instant::now();
                for _ in 0..REPEATS {
                    run();
                }
                times.push(start.elapsed() / REPEATS);
            }
        }
        println!("{files} files of {len} bytes");
        let medians = times.map(|mut times| {
            times.sort_unstable();
            times[ROUNDS / 2]
        });
        for ((name, _), median) in contestants.iter().zip(medians) {
            println!(
                "  {name:<22} {median:>10.1?}  {:>6.0} ns a file  ratio {:.3}",
                median.as_nanos() as f64 / files as f64,
                median.as_secs_f64() / medians[0].as_secs_f64()
            );
        }
    }

    fn read_into_arena(arena: &mut Arena, dir: &Dir, names: &[CString], context: &ReadContext<'_>) {
        for name in names {
            let piece = arena.read(dir, name.to_bytes(), context, &mut |_| false);
            black_box(piece.expect("a settled file"));
        }
    }

    fn read_with_syscalls(dir: &OwnedFd, names: &[CString], buffer: &mut Vec<u8>) {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        buffer.clear();
        for name in names {
            let file = openat(dir, name.as_c_str(), flags, Mode::empty()).expect("open");
            black_box(read(file.as_fd(), spare_capacity(buffer)).expect("read"));
            black_box(fstat(file.as_fd()).expect("fstat"));
        }
    }
}
