//! Goroutines that wait for descriptors, with the toy engine: sockets of a pair, deadlines, closing, reused numbers, and who looks
//! for events when everybody is busy.

mod toy;

use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use golite_runtime::*;
use toy::*;

fn pair() -> (OwnedFd, OwnedFd) {
    let (a, b) = UnixStream::pair().expect("a pair of sockets");
    a.set_nonblocking(true).expect("non-blocking");
    b.set_nonblocking(true).expect("non-blocking");
    (a.into(), b.into())
}

fn open(source: OwnedFd) -> DescriptorKey {
    with(|slice| slice.open_descriptor(source))
        .expect("the poller takes sockets")
        .key()
}

fn stream(source: impl AsFd) -> io::Result<UnixStream> {
    Ok(source.as_fd().try_clone_to_owned()?.into())
}

#[derive(Debug, PartialEq, Eq)]
enum Got {
    Bytes(Vec<u8>),
    Closed,
    TimedOut,
}

async fn read(key: DescriptorKey) -> Got {
    loop {
        let attempt = with(|slice| {
            let Some(descriptor) = slice.descriptor(key) else {
                return Attempt::Closed;
            };
            descriptor.attempt(slice, Side::Read, |source| {
                let mut buffer = [0; 64];
                let count = stream(source)?.read(&mut buffer)?;
                Ok(buffer[..count].to_vec())
            })
        });
        match attempt {
            Attempt::Done(result) => return Got::Bytes(result.expect("the other end is there")),
            Attempt::Closed => return Got::Closed,
            Attempt::TimedOut => return Got::TimedOut,
            Attempt::Parked => leave(Switch::Park(WaitReason::IoWait)).await,
        }
    }
}

async fn write(key: DescriptorKey, bytes: &[u8]) {
    loop {
        let attempt = with(|slice| {
            let descriptor = slice.descriptor(key).expect("open");
            descriptor.attempt(slice, Side::Write, |source| stream(source)?.write(bytes))
        });
        match attempt {
            Attempt::Done(result) => {
                assert_eq!(result.expect("the other end is there"), bytes.len());
                return;
            }
            Attempt::Parked => leave(Switch::Park(WaitReason::IoWait)).await,
            other => panic!("{other:?}"),
        }
    }
}

fn close(key: DescriptorKey) -> bool {
    with(|slice| slice.close_descriptor(key))
}

fn set_deadline(key: DescriptorKey, side: Side, when: i64) {
    with(|slice| {
        let descriptor = slice.descriptor(key).expect("open");
        assert!(descriptor.set_deadline(slice, side, when));
    });
}

#[test]
fn what_one_writes_the_other_reads() {
    for processors in [1, 2, 4] {
        run(processors, async {
            let (a, b) = pair();
            let (a, b) = (open(a), open(b));
            go(async move {
                loop {
                    match read(b).await {
                        Got::Bytes(bytes) if bytes.is_empty() => break,
                        Got::Bytes(bytes) => write(b, &bytes).await,
                        other => panic!("{other:?}"),
                    }
                }
                close(b);
            });
            for round in 0..200u8 {
                write(a, &[round]).await;
                assert_eq!(read(a).await, Got::Bytes(vec![round]));
            }
            close(a);
        });
    }
}

#[test]
fn closing_wakes_the_reader_and_ends_the_key() {
    run(2, async {
        let (a, b) = pair();
        let a = open(a);
        let done = chan(0);
        let there = Arc::clone(&done);
        go(async move {
            assert_eq!(read(a).await, Got::Closed);
            there.send(1).await;
        });
        sleep(2_000_000).await;
        assert!(close(a));
        assert!(!close(a));
        done.recv().await;
        // The number is free (another test may have taken it): the next descriptor can have it, and has another key.
        let (c, d) = pair();
        let c = open(c);
        assert_ne!(c, a);
        assert_eq!(read(a).await, Got::Closed);
        drop((b, d));
        assert_eq!(read(c).await, Got::Bytes(Vec::new()));
    });
}

#[test]
fn a_reused_number_never_reaches_another_goroutine() {
    // Descriptors come and go at once, with data under way: who reads must read what was written for it.
    run(4, async {
        let done = chan(0);
        for worker in 0..4u8 {
            let done = Arc::clone(&done);
            go(async move {
                for round in 0..150u8 {
                    let (a, b) = pair();
                    let (a, b) = (open(a), open(b));
                    let (stop, stopped) = (chan(0), chan(0));
                    let (stop2, stopped2) = (Arc::clone(&stop), Arc::clone(&stopped));
                    go(async move {
                        let got = read(b).await;
                        if round % 3 == 0 {
                            assert_eq!(got, Got::Closed);
                        } else {
                            assert_eq!(got, Got::Bytes(vec![worker, round]));
                            close(b);
                        }
                        stopped2.send(0).await;
                        stop2.recv().await;
                    });
                    if round % 3 == 0 {
                        gosched().await;
                        close(b);
                        // The other end stays open meanwhile: a read that had begun before the close may still see an end of file.
                        stopped.recv().await;
                        close(a);
                    } else {
                        write(a, &[worker, round]).await;
                        close(a);
                        stopped.recv().await;
                    }
                    stop.send(0).await;
                }
                done.send(0).await;
            });
        }
        for _ in 0..4 {
            done.recv().await;
        }
    });
}

#[test]
fn deadlines_end_waits_and_can_be_moved() {
    run(2, async {
        let (a, b) = pair();
        let a = open(a);
        let start = now();
        set_deadline(a, Side::Read, start + 5_000_000);
        assert_eq!(read(a).await, Got::TimedOut);
        assert!(now() - start >= 5_000_000);
        // It stays passed until it is set again.
        assert_eq!(read(a).await, Got::TimedOut);
        // A moment that is over.
        set_deadline(a, Side::Read, 1);
        assert_eq!(read(a).await, Got::TimedOut);
        // Later and later: one entry moves on; earlier: a new one.
        for later in 1..50 {
            set_deadline(a, Side::Read, now() + 3_600_000_000_000 + later);
        }
        set_deadline(a, Side::Read, now() + 3_000_000);
        assert_eq!(read(a).await, Got::TimedOut);
        // To later while the entry is armed for sooner.
        let start = now();
        set_deadline(a, Side::Read, start + 2_000_000);
        set_deadline(a, Side::Read, start + 9_000_000);
        assert_eq!(read(a).await, Got::TimedOut);
        assert!(now() - start >= 9_000_000);
        // None: the reader waits for the bytes.
        set_deadline(a, Side::Read, now() + 2_000_000);
        set_deadline(a, Side::Read, NEVER);
        go(async move {
            sleep(4_000_000).await;
            assert_eq!(
                stream(&b).and_then(|mut b| b.write(b"x")).expect("written"),
                1
            );
        });
        assert_eq!(read(a).await, Got::Bytes(b"x".to_vec()));
        // The other direction has its own.
        set_deadline(a, Side::Write, 1);
        assert_eq!(read(a).await, Got::Bytes(Vec::new()));
    });
}

#[test]
fn a_deadline_set_by_another_goroutine_ends_a_wait_that_is_under_way() {
    run(2, async {
        let (a, _b) = pair();
        let a = open(a);
        go(async move {
            sleep(2_000_000).await;
            set_deadline(a, Side::Read, 1);
        });
        assert_eq!(read(a).await, Got::TimedOut);
    });
}

#[test]
fn waiting_for_a_descriptor_is_no_deadlock() {
    let (a, b) = pair();
    let writer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(60));
        stream(&b)
            .and_then(|mut b| b.write(b"hello"))
            .expect("written");
    });
    run(2, async {
        let a = open(a);
        assert_eq!(read(a).await, Got::Bytes(b"hello".to_vec()));
    });
    writer.join().expect("no panic");
}

#[test]
fn events_come_through_while_every_processor_is_busy() {
    let (a, b) = pair();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        stream(&b)
            .and_then(|mut b| b.write(b"hello"))
            .expect("written");
        b
    });
    run(2, async move {
        let a = open(a);
        for _ in 0..2 {
            let stop = Arc::clone(&stop);
            go(async move {
                while !stop.load(SeqCst) {
                    safepoint().await;
                }
            });
        }
        // They go on until this has come through.
        assert_eq!(read(a).await, Got::Bytes(b"hello".to_vec()));
        stop.store(true, SeqCst);
    });
    drop(writer.join().expect("no panic"));
}

#[test]
fn what_cannot_be_watched_is_an_error() {
    run(1, async {
        let file = std::fs::File::open("/proc/self/exe").expect("our own program");
        let error = with(|slice| slice.open_descriptor(file.into()))
            .err()
            .expect("refused");
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    });
}

#[test]
fn many_pairs_talk_at_once() {
    run(4, async {
        let done = chan(0);
        for number in 0..400u16 {
            let (a, b) = pair();
            let (a, b) = (open(a), open(b));
            let done = Arc::clone(&done);
            go(async move {
                assert_eq!(read(b).await, Got::Bytes(number.to_be_bytes().to_vec()));
                write(b, b"ok").await;
                close(b);
            });
            go(async move {
                if number % 2 == 0 {
                    sleep(i64::from(number) * 10_000).await;
                }
                write(a, &number.to_be_bytes()).await;
                assert_eq!(read(a).await, Got::Bytes(b"ok".to_vec()));
                close(a);
                done.send(1).await;
            });
        }
        for _ in 0..400 {
            done.recv().await;
        }
    });
}
