//! Sessions: what their hosts do to them from several threads.

mod toy;

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use golite_runtime::*;
use toy::*;

/// How long something is waited for that must not happen.
const MOMENT: Duration = Duration::from_millis(50);

/// A session with goroutines that run for ever, whose traces are written only when `go_on` is met, and how many have been begun.
fn observed(goroutines: usize) -> (Session<Toy>, Arc<Toy>, Arc<Barrier>, Arc<AtomicUsize>) {
    let (go_on, begun) = (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
    let (gate, count) = (Arc::clone(&go_on), Arc::clone(&begun));
    let toy = Arc::new(Toy {
        on_traceback: Some(Box::new(move || {
            // Once to be seen, once to be let go on.
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                gate.wait();
                gate.wait();
            }
        })),
        ..Toy::default()
    });
    let session = Session::new(Arc::clone(&toy), options(2), || {});
    for _ in 0..goroutines {
        session.spawn(Box::pin(async {
            loop {
                gosched().await;
            }
        }));
    }
    (session, toy, go_on, begun)
}

#[test]
fn goroutines_stay_while_somebody_looks_at_them_though_the_run_has_been_ended() {
    let (session, toy, go_on, begun) = observed(5);
    let ender = session.quitter();
    std::thread::scope(|scope| {
        let quitting = ender.clone();
        scope.spawn(move || quitting.quit("quit"));
        go_on.wait();
        ender.end(Outcome::Stopped);
        let closing = scope.spawn(|| session.close());
        std::thread::sleep(MOMENT);
        let (is_closed, abandoned) = (closing.is_finished(), toy.abandoned.load(Ordering::SeqCst));
        // First, so that nobody waits for ever if the test fails.
        go_on.wait();
        assert_eq!((is_closed, abandoned), (false, 0));
    });
    assert_eq!(toy.abandoned.load(Ordering::SeqCst), 5);
    // Nobody wants the rest.
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    assert!(matches!(session.take_outcome(), Some(Outcome::Stopped)));
}

#[test]
fn goroutines_stay_while_the_host_has_stopped_the_world() {
    let (session, toy, go_on, _) = observed(5);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            session.stop_the_world(|world| {
                go_on.wait();
                go_on.wait();
                let mut seen = 0;
                world.for_each_goroutine(|_| seen += 1);
                assert_eq!(seen, 5);
            })
        });
        go_on.wait();
        let closing = scope.spawn(|| session.close());
        std::thread::sleep(MOMENT);
        let is_closed = closing.is_finished();
        // First, so that nobody waits for ever if the test fails.
        go_on.wait();
        assert!(!is_closed);
    });
    assert_eq!(toy.abandoned.load(Ordering::SeqCst), 5);
}
