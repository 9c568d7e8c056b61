//! Small programs under many schedules: one processor, virtual time, and a seed that decides who runs when. Each round of a program is
//! another schedule, since the random choices go on.
//!
//! `GOLITE_SCHEDULES` sets how many there are in all (20,000 if unset).

mod toy;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use golite_runtime::*;
use toy::*;

const SEEDS: u64 = 8;

fn random(below: u64) -> u64 {
    with(|slice| slice.random()) % below
}

/// Yields now and then, as a goroutine does that is preempted.
async fn perhaps_yield() {
    if random(3) == 0 {
        gosched().await;
    }
}

/// Producers and consumers around a channel of random capacity: each value arrives once, those of one producer in their order.
async fn values_arrive_once() {
    let channel = chan(random(3) as usize);
    let left = Arc::new(AtomicU32::new(2));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let done = chan(0);
    for producer in 0..2 {
        let (channel, left) = (channel.clone(), left.clone());
        go(async move {
            for i in 0..3 {
                perhaps_yield().await;
                assert!(channel.send(producer * 100 + i).await);
            }
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                channel.close();
            }
        });
    }
    for _ in 0..2 {
        let (channel, seen, done) = (channel.clone(), seen.clone(), done.clone());
        go(async move {
            let mut own = Vec::new();
            while let Some(value) = channel.recv().await {
                own.push(value);
                perhaps_yield().await;
            }
            for producer in 0..2 {
                let of: Vec<_> = own.iter().filter(|v| **v / 100 == producer).collect();
                assert!(of.is_sorted());
            }
            seen.lock().unwrap().extend(own);
            done.send(0).await;
        });
    }
    for _ in 0..2 {
        done.recv().await;
    }
    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 100, 101, 102]);
}

/// Two goroutines send on one channel or receive from another, two do the reverse, as it comes: each meets another, and what is sent is
/// received.
async fn selects_meet() {
    let channels = [chan(0), chan(0)];
    let (sent, received) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let done = chan(4);
    for number in 0..4 {
        let (channels, done) = (channels.clone(), done.clone());
        let (sent, received) = (sent.clone(), received.clone());
        go(async move {
            let (out, into) = (&channels[number % 2], &channels[(number + 1) % 2]);
            for value in 1..=3 {
                perhaps_yield().await;
                let (case, got, ok) = select_any(&[(out, Some(value)), (into, None)]).await;
                assert!(ok);
                if case == 0 {
                    sent.fetch_add(value, Ordering::SeqCst);
                } else {
                    received.fetch_add(got, Ordering::SeqCst);
                }
            }
            done.send(0).await;
        });
    }
    for _ in 0..4 {
        done.recv().await;
    }
    let sent = sent.load(Ordering::SeqCst);
    assert_eq!(sent, received.load(Ordering::SeqCst));
}

/// A semaphore of one permit keeps all but one out.
async fn one_at_a_time() {
    let permit = Arc::new(AtomicU32::new(1));
    let inside = Arc::new(AtomicU32::new(0));
    let done = chan(3);
    for _ in 0..3 {
        let (permit, inside, done) = (permit.clone(), inside.clone(), done.clone());
        go(async move {
            for _ in 0..2 {
                sem_acquire(&permit).await;
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                perhaps_yield().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                sem_release(&permit).await;
            }
            done.send(0).await;
        });
    }
    for _ in 0..3 {
        done.recv().await;
    }
    assert_eq!(permit.load(Ordering::SeqCst), 1);
}

/// Sleepers wake in the order of their times, never early, whoever runs when.
async fn sleepers_are_not_early() {
    let start = now();
    let order = Arc::new(Mutex::new(Vec::new()));
    let done = chan(4);
    for _ in 0..4 {
        let span = 1000 * (1 + random(4) as i64);
        let (order, done) = (order.clone(), done.clone());
        go(async move {
            perhaps_yield().await;
            sleep(span).await;
            assert!(now() >= start + span);
            order.lock().unwrap().push(span);
            done.send(0).await;
        });
    }
    for _ in 0..4 {
        done.recv().await;
    }
    assert!(order.lock().unwrap().is_sorted());
}

/// Closing wakes all who wait, and blocking calls and stops of the world come in between.
async fn a_close_wakes_all() {
    let gate = chan(0);
    let done = chan(0);
    for _ in 0..4 {
        let (gate, done) = (gate.clone(), done.clone());
        go(async move {
            perhaps_yield().await;
            assert_eq!(gate.recv().await, None);
            done.send(1).await;
        });
    }
    perhaps_yield().await;
    if random(16) == 0 {
        assert_eq!(stop_the_world(|world| world.goroutines() as u64).await, 5);
    }
    gate.close();
    for _ in 0..4 {
        assert_eq!(done.recv().await, Some(1));
    }
}

#[test]
fn small_programs_keep_their_promises_under_every_schedule() {
    let all = std::env::var("GOLITE_SCHEDULES").map_or(20_000, |n| n.parse().expect("a number"));
    for seed in 0..SEEDS {
        let mut options = options(1);
        options.seed = Some(seed);
        options.shuffle = true;
        options.virtual_clock = true;
        let (_, outcome) = run_with(Toy::default(), options, async move {
            for round in 0..all / SEEDS {
                match round % 5 {
                    0 => values_arrive_once().await,
                    1 => selects_meet().await,
                    2 => one_at_a_time().await,
                    3 => sleepers_are_not_early().await,
                    _ => a_close_wakes_all().await,
                }
                // Goroutines that are still ending do not disturb the next round.
                while with(|slice| slice.goroutines()) > 1 {
                    gosched().await;
                }
            }
        });
        match outcome {
            Outcome::MainExited => {}
            Outcome::Deadlock { message, dump } => panic!("seed {seed}: {message}\n{dump}"),
            _ => panic!("seed {seed}: another end"),
        }
    }
}
