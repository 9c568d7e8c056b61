//! Models of what several files do together: goroutines on two processors that meet at a channel, a select, a semaphore, a timer; and
//! the dances between machines. What is one file's own is modelled there.

use std::sync::Arc;

use loom::cell::UnsafeCell;

use crate::{
    assignment::MachineHandle,
    blocking::{CallCounter, OwnershipWord, ProcessorStatus},
    channel::{Buffer, Channel, CloseResult, ReceiveResult, SendResult, Unbuffered},
    context::Context,
    coroutine::{self, Switched},
    engine::{CollectionReason, Engine, Fired, Slice, Switch},
    goroutine::{GoroutineId, GoroutineRef, Runnable},
    machine::Machine,
    options::Options,
    processor::OwnedProcessor,
    program::Returned,
    scheduler::Shared,
    select::{Direction, SelectCase, SelectResult, select},
    semaphore::{AcquireResult, NotifyList, ReleaseResult, acquire, release},
    stop_the_world::StoppedWorld,
    sync::{AtomicU32, AtomicUsize, Ordering, fence},
    timers::Timer,
    wait_queue::WordLock,
    wait_reason::WaitReason,
};

/// An engine that is never run; it counts the timers that fire.
pub(crate) struct Nobody {
    fired: AtomicUsize,
    /// Whether nobody waits for what it runs.
    pub(crate) rests: std::sync::atomic::AtomicBool,
}

impl Engine for Nobody {
    type Fiber = ();
    type PerProcessor = ();
    type Transfer = u64;
    type Completion = ();
    type Failure = ();
    type TimerPayload = ();
    fn new_per_processor(&self, _: usize) {}
    fn run(&self, (): &mut (), (): &mut (), _: &Slice<'_, Nobody>) -> Switch<Nobody> {
        Switch::Exit
    }
    fn timer_fired(&self, (): (), (): &mut (), _: &Context<'_, Nobody>) -> Fired {
        self.fired.fetch_add(1, Ordering::SeqCst);
        Fired::Done
    }
    fn collect(&self, _: &mut StoppedWorld<'_, Nobody>, _: CollectionReason) {}
    fn may_rest(&self) -> bool {
        self.rests.load(std::sync::atomic::Ordering::Relaxed)
    }
    fn traceback(&self, (): &(), _: &mut String) {}
}

/// A goroutine on a processor of its own.
pub(crate) struct Side {
    pub(crate) processor: OwnedProcessor<Nobody>,
    runnable: Runnable<Nobody>,
}

enum End<T> {
    Done(T),
    /// It is parked, and whoever wakes it has it.
    Waits(GoroutineRef<Nobody>),
    /// It was woken before it had parked.
    Woken(GoroutineRef<Nobody>),
}

impl<T> End<T> {
    fn is_done(&self) -> bool {
        matches!(self, End::Done(_))
    }
}

impl Side {
    pub(crate) fn into_runnable(self) -> Runnable<Nobody> {
        self.runnable
    }

    /// Runs `op`; if that parks, parks, and says whether it was woken meanwhile. Also answers whether `op` made somebody runnable on this
    /// processor.
    fn run<T>(
        self,
        shared: &Arc<Shared<Nobody>>,
        op: impl FnOnce(&Slice<'_, Nobody>) -> Option<T>,
    ) -> (End<T>, bool) {
        let mut processor = self.processor;
        let running = self.runnable.start();
        let goroutine = running.goroutine();
        let (_, seen, cells) = processor.split();
        let result = op(&Slice::new(Context::new(shared, seen, cells), goroutine));
        let end = match result {
            Some(result) => End::Done(result),
            None => match running.park(WaitReason::ChannelSend) {
                None => End::Waits(goroutine),
                Some(_) => End::Woken(goroutine),
            },
        };
        (end, processor.queue.take_next().is_some())
    }

    fn with_context<R>(
        &mut self,
        shared: &Arc<Shared<Nobody>>,
        op: impl FnOnce(&Context<'_, Nobody>) -> R,
    ) -> R {
        let (_, seen, cells) = self.processor.split();
        op(&Context::new(shared, seen, cells))
    }
}

pub(crate) fn sides() -> (Arc<Shared<Nobody>>, Side, Side) {
    let mut options = Options::default();
    options.processors = Some(2);
    options.seed = Some(1);
    let engine = Nobody {
        fired: AtomicUsize::new(0),
        rests: false.into(),
    };
    let shared = Arc::new(Shared::new(Arc::new(engine), options));
    let mut list = crate::goroutine::FreeList::default();
    let mut central = shared.central();
    let mut side = |id| Side {
        processor: shared.take_idle_processor(&mut central).unwrap(),
        runnable: list.take(&shared.registry).spawn(GoroutineId(id), ()),
    };
    let (a, b) = (side(1), side(2));
    drop(central);
    (shared, a, b)
}

pub(crate) fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.max_branches = 20_000;
    builder.check(f);
}

fn sent(result: SendResult) -> Option<bool> {
    match result {
        SendResult::Done => Some(true),
        SendResult::Closed => Some(false),
        SendResult::Parked | SendResult::WouldBlock => None,
    }
}

fn received(result: ReceiveResult<u64>) -> Option<(u64, bool)> {
    match result {
        ReceiveResult::Done(value, ok) => Some((value, ok)),
        ReceiveResult::Parked | ReceiveResult::WouldBlock => None,
    }
}

/// A buffer of one element. Touched under the channel's lock only, which loom checks.
struct One(UnsafeCell<u64>);

// SAFETY: loom itself checks that nobody else is in the cell; that is the point of the model.
unsafe impl Sync for One {}

impl Buffer<u64> for &One {
    fn load(&self, _: usize) -> u64 {
        // SAFETY: as above.
        self.0.with(|value| unsafe { *value })
    }
    fn store(&self, _: usize, value: u64) {
        // SAFETY: as above.
        self.0.with_mut(|place| unsafe { *place = value });
    }
    fn clear(&self, index: usize) {
        self.store(index, 0);
    }
}

#[test]
fn loom_a_value_changes_hands_exactly_once() {
    model(|| {
        let (shared, a, b) = sides();
        let channel = Arc::new(Channel::<Nobody>::new(0));
        let sender = {
            let (shared, channel) = (shared.clone(), channel.clone());
            loom::thread::spawn(move || {
                a.run(&shared, |slice| sent(channel.send(slice, 7, &Unbuffered)))
            })
        };
        let (receiver, woke_sender) = b.run(&shared, |slice| {
            received(channel.receive(slice, &Unbuffered))
        });
        let (sender, woke_receiver) = sender.join().unwrap();
        match (sender, receiver) {
            // The receiver came first; whoever enqueues it, its value is there.
            (End::Done(true), End::Waits(g)) => {
                assert!(woke_receiver);
                assert_eq!(g.take_wake_outcome().value, 7);
            }
            (End::Done(true), End::Woken(g)) => {
                assert!(!woke_receiver);
                assert_eq!(g.take_wake_outcome().value, 7);
            }
            (End::Waits(g), End::Done((7, true))) => {
                assert!(woke_sender);
                assert!(g.take_wake_outcome().ok);
            }
            (End::Woken(g), End::Done((7, true))) => {
                assert!(!woke_sender);
                assert!(g.take_wake_outcome().ok);
            }
            _ => panic!("both wait, or neither"),
        }
    });
}

#[test]
fn loom_a_close_reaches_a_receiver_that_is_about_to_park() {
    model(|| {
        let (shared, a, b) = sides();
        let channel = Arc::new(Channel::<Nobody>::new(0));
        let closer = {
            let (shared, channel) = (shared.clone(), channel.clone());
            loom::thread::spawn(move || a.run(&shared, |slice| Some(channel.close(slice))).1)
        };
        let (receiver, _) = b.run(&shared, |slice| {
            received(channel.receive(slice, &Unbuffered))
        });
        let woke = closer.join().unwrap();
        match receiver {
            End::Done((_, ok)) => assert!(!ok && !woke),
            End::Waits(g) => assert!(woke && !g.take_wake_outcome().ok),
            End::Woken(g) => assert!(!woke && !g.take_wake_outcome().ok),
        }
    });
}

#[test]
fn loom_a_close_reaches_a_sender_that_is_about_to_park() {
    model(|| {
        let (shared, a, b) = sides();
        let channel = Arc::new(Channel::<Nobody>::new(0));
        let closer = {
            let (shared, channel) = (shared.clone(), channel.clone());
            loom::thread::spawn(move || a.run(&shared, |slice| Some(channel.close(slice))).1)
        };
        let (sender, _) = b.run(&shared, |slice| sent(channel.send(slice, 7, &Unbuffered)));
        let woke = closer.join().unwrap();
        match sender {
            End::Done(ok) => assert!(!ok && !woke),
            End::Waits(g) => assert!(woke && !g.take_wake_outcome().ok),
            End::Woken(g) => assert!(!woke && !g.take_wake_outcome().ok),
        }
    });
}

#[test]
fn loom_a_buffered_value_is_received_once() {
    model(|| {
        let (shared, a, b) = sides();
        let channel = Arc::new(Channel::<Nobody>::new(1));
        let one = Arc::new(One(UnsafeCell::new(0)));
        let sender = {
            let (shared, channel, one) = (shared.clone(), channel.clone(), one.clone());
            loom::thread::spawn(move || {
                a.run(&shared, |slice| sent(channel.send(slice, 7, &&*one)))
                    .0
                    .is_done()
            })
        };
        let (receiver, _) = b.run(&shared, |slice| received(channel.receive(slice, &&*one)));
        assert!(sender.join().unwrap(), "there is room");
        let value = match receiver {
            End::Done((value, _)) => value,
            End::Waits(g) | End::Woken(g) => g.take_wake_outcome().value,
        };
        assert_eq!(value, 7);
        assert_eq!(channel.len(), 0);
    });
}

/// Both in one place, since select locks them in the order of their addresses, which must be the same in all runs of a model.
type Two = Arc<[Channel<Nobody>; 2]>;

/// A select that receives from two channels.
fn select_two(shared: &Arc<Shared<Nobody>>, side: Side, channels: &Two) -> End<(usize, bool)> {
    let select_one = |slice: &Slice<'_, Nobody>| {
        let cases = [0, 1].map(|number: usize| SelectCase {
            channel: Some(&channels[number]),
            direction: Direction::Receive,
            buffer: Unbuffered,
        });
        match select(slice, &cases, true) {
            SelectResult::Received { case, ok, .. } => Some((case, ok)),
            SelectResult::Parked => None,
            other => panic!("{other:?}"),
        }
    };
    side.run(shared, select_one).0
}

/// The case that went ahead, and whether a value came. Whoever wakes the goroutine has done so.
fn selected(end: End<(usize, bool)>) -> (usize, bool) {
    match end {
        End::Done(done) => done,
        End::Waits(g) | End::Woken(g) => {
            let outcome = g.take_wake_outcome();
            (outcome.case, outcome.ok)
        }
    }
}

#[test]
fn loom_a_select_meets_a_sender_once() {
    model(|| {
        let (shared, a, b) = sides();
        let channels: Two = Arc::new([Channel::new(0), Channel::new(0)]);
        let sender = {
            let (shared, channels) = (shared.clone(), channels.clone());
            loom::thread::spawn(move || {
                a.run(&shared, |slice| {
                    sent(channels[1].send(slice, 7, &Unbuffered))
                })
                .0
            })
        };
        let end = select_two(&shared, b, &channels);
        if let End::Waits(g) | End::Woken(g) = sender.join().unwrap() {
            assert!(end.is_done(), "both wait");
            assert!(g.take_wake_outcome().ok);
        }
        assert_eq!(selected(end), (1, true));
        // The other channel has forgotten it.
        assert!(channels[0].receivers.looks_empty());
    });
}

#[test]
fn loom_a_select_is_won_by_one_of_two_closes() {
    model(|| {
        let (shared, a, b) = sides();
        let channels: Two = Arc::new([Channel::new(0), Channel::new(0)]);
        let closer = {
            let (shared, channels) = (shared.clone(), channels.clone());
            loom::thread::spawn(move || {
                a.run(&shared, |slice| {
                    for channel in &*channels {
                        assert_eq!(channel.close(slice), CloseResult::Done);
                    }
                    Some(())
                });
            })
        };
        let end = select_two(&shared, b, &channels);
        closer.join().unwrap();
        let (case, ok) = selected(end);
        assert!(case < 2 && !ok);
        for channel in &*channels {
            assert!(channel.receivers.looks_empty());
        }
    });
}

#[test]
fn loom_a_permit_is_taken_or_wakes_who_waits_for_it() {
    model(|| {
        let (shared, a, b) = sides();
        let word = Arc::new(AtomicU32::new(0));
        let releaser = {
            let (shared, word) = (shared.clone(), word.clone());
            loom::thread::spawn(move || {
                a.run(&shared, |slice| Some(release(slice, &word, false))).1
            })
        };
        let (end, _) = b.run(&shared, |slice| match acquire(slice, &word, false) {
            AcquireResult::Done => Some(()),
            AcquireResult::Parked => None,
        });
        let woke = releaser.join().unwrap();
        match end {
            End::Done(()) => assert!(!woke),
            End::Waits(_) => assert!(woke),
            End::Woken(_) => assert!(!woke),
        }
        assert_eq!(word.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn loom_two_permits_do_not_become_one() {
    model(|| {
        let (shared, a, b) = sides();
        let word = Arc::new(AtomicU32::new(0));
        let releaser = {
            let (shared, word) = (shared.clone(), word.clone());
            loom::thread::spawn(move || {
                a.run(&shared, |slice| {
                    for _ in 0..2 {
                        assert_eq!(release(slice, &word, false), ReleaseResult::Done);
                    }
                    Some(())
                });
            })
        };
        b.run(&shared, |slice| match acquire(slice, &word, false) {
            AcquireResult::Done => Some(()),
            AcquireResult::Parked => None,
        });
        releaser.join().unwrap();
        assert_eq!(word.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn loom_a_notification_between_ticket_and_wait_is_not_lost() {
    model(|| {
        let (shared, a, b) = sides();
        let list = Arc::new(NotifyList::<Nobody>::new());
        let ticket = list.add();
        let notifier = {
            let (shared, list) = (shared.clone(), list.clone());
            loom::thread::spawn(move || {
                a.run(&shared, |slice| {
                    list.notify_one(slice);
                    Some(())
                })
                .1
            })
        };
        let (end, _) = b.run(&shared, |slice| match list.wait(slice, ticket) {
            AcquireResult::Done => Some(()),
            AcquireResult::Parked => None,
        });
        let woke = notifier.join().unwrap();
        match end {
            End::Done(()) | End::Woken(_) => assert!(!woke),
            End::Waits(_) => assert!(woke),
        }
    });
}

/// A timer that is due fires on one side while the other does `act` to it, which tells whether it was armed still: then, and only then, it does not
/// fire. Afterwards it is armed or not.
fn timer_against(
    act: impl Fn(&Timer<Nobody>, &Context<'_, Nobody>) -> bool + Send + Sync + Copy + 'static,
    is_armed_then: bool,
) {
    model(move || {
        let (shared, mut a, mut b) = sides();
        let timer = Arc::new(Timer::<Nobody>::new());
        a.with_context(&shared, |context| {
            timer.reset(context, 1, 0, (), || ());
        });
        let of = Arc::clone(&*a.processor);
        let fires = {
            let shared = shared.clone();
            loom::thread::spawn(move || {
                b.processor.run_timers(&shared, &of.timers, 5);
            })
        };
        let was_armed = a.with_context(&shared, |context| act(&timer, context));
        fires.join().unwrap();
        let fired = shared.engine().fired.load(Ordering::SeqCst);
        assert_eq!(fired, usize::from(!was_armed));
        assert_eq!(timer.is_armed(), is_armed_then);
    });
}

#[test]
fn loom_a_timer_fires_or_is_stopped() {
    timer_against(|timer, context| timer.stop(context, || ()), false);
}

#[test]
fn loom_a_timer_that_is_reset_fires_for_its_new_setting_only() {
    timer_against(
        |timer, context| timer.reset(context, 100, 0, (), || ()),
        true,
    );
}

#[test]
fn loom_a_lock_word_lets_one_in() {
    loom::model(|| {
        let pair = Arc::new((WordLock::new(), UnsafeCell::new(0)));
        let enter = |pair: &(WordLock, UnsafeCell<u32>)| {
            let _held = pair.0.lock();
            // SAFETY: loom itself checks that nobody else is here; that is the point of the model.
            pair.1.with_mut(|count| unsafe { *count += 1 });
        };
        let other = {
            let pair = pair.clone();
            loom::thread::spawn(move || enter(&pair))
        };
        enter(&pair);
        other.join().unwrap();
        // SAFETY: the other thread has ended.
        pair.1.with(|count| assert_eq!(unsafe { *count }, 2));
    });
}

#[test]
fn loom_a_call_that_finds_no_room_is_released_by_somebody() {
    loom::model(|| {
        let calls = Arc::new(CallCounter::new(1));
        assert!(calls.enter());
        let leaver = {
            let calls = calls.clone();
            // Whether it must release the call that waits.
            loom::thread::spawn(move || calls.leave())
        };
        let waits = !calls.enter();
        let mut released = false;
        if waits {
            calls.set_queued(1);
            released = calls.has_room();
        }
        released |= leaver.join().unwrap();
        assert!(!waits || released);
    });
}

#[test]
fn loom_a_stopper_or_the_machine_itself_gives_a_blocked_processor_up() {
    loom::model(|| {
        let pair = Arc::new((OwnershipWord::new(), AtomicU32::new(0)));
        pair.0.set(ProcessorStatus::Running);
        let stopper = {
            let pair = pair.clone();
            loom::thread::spawn(move || {
                // A read-modify-write, as in `Shared::set_attention`.
                pair.1.fetch_or(1, Ordering::SeqCst);
                let ticket = pair.0.blocking_ticket();
                ticket.is_some_and(|ticket| pair.0.try_retake(ticket))
            })
        };
        let ticket = pair.0.enter_blocking();
        // A read-modify-write stands for the SeqCst load: loom treats plain SeqCst loads as weaker than they are.
        let wanted = pair.1.fetch_or(0, Ordering::SeqCst) != 0;
        let given = wanted && pair.0.try_retake(ticket);
        let taken = stopper.join().unwrap();
        assert!(given ^ taken, "the stopper gets the processor, once");
        assert!(!pair.0.try_leave(ticket));
    });
}

// `Shared::wake_processor` starts threads, so the next two models rebuild its dance with the machines that go idle.

#[test]
fn loom_a_spinning_machine_or_a_new_one_sees_the_work() {
    loom::model(|| {
        let (work, spinning) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(1)));
        let submitter = {
            let (work, spinning) = (work.clone(), spinning.clone());
            loom::thread::spawn(move || {
                work.store(1, Ordering::Release);
                fence(Ordering::SeqCst);
                // A processor is idle. Whether one more machine is woken.
                spinning.load(Ordering::SeqCst) == 0
                    && spinning
                        .compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst)
                        .is_ok()
            })
        };
        spinning.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let seen = work.load(Ordering::Acquire) != 0;
        assert!(submitter.join().unwrap() || seen);
    });
}

#[test]
fn loom_work_that_comes_while_the_last_processor_goes_idle_is_seen() {
    loom::model(|| {
        let (work, idle) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let submitter = {
            let (work, idle) = (work.clone(), idle.clone());
            loom::thread::spawn(move || {
                work.store(1, Ordering::Release);
                fence(Ordering::SeqCst);
                idle.load(Ordering::Relaxed) != 0
            })
        };
        // In the model the store is followed by a fence, which a SeqCst store and the lock around it are on real machines.
        idle.store(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let seen = work.load(Ordering::Acquire) != 0;
        assert!(submitter.join().unwrap() || seen);
    });
}

/// Enters the word and parks, as a switch does; answers whether it was woken before it had parked.
fn wait_in(side: Side, shared: &Arc<Shared<Nobody>>, word: &crate::sync::AtomicU64) -> bool {
    let (end, _) = side.run(shared, |slice| {
        assert!(coroutine::enter(slice, word), "the word is empty");
        None::<()>
    });
    matches!(end, End::Woken(_))
}

#[test]
fn loom_one_of_a_pair_runs_though_the_other_has_not_parked_yet() {
    model(|| {
        let (shared, a, b) = sides();
        let word = Arc::new(crate::sync::AtomicU64::new(0));
        let caller = {
            let (shared, word) = (shared.clone(), word.clone());
            loom::thread::spawn(move || wait_in(a, &shared, &word))
        };
        // The other was started before, and passes control back as soon as it finds somebody.
        let mut went_on = false;
        let (end, _) = b.run(&shared, |slice| {
            match coroutine::switch(slice, &word) {
                // Nobody has entered yet: nothing happens.
                Switched::Nobody => Some(false),
                Switched::To(resumed) => {
                    went_on = true;
                    let _ = resumed.0.start();
                    None
                }
                Switched::Parked => None,
            }
        });
        let by_itself = caller.join().unwrap();
        match end {
            End::Done(_) => assert!(!by_itself, "nobody has woken it"),
            End::Waits(_) => assert!(went_on ^ by_itself, "the caller runs on, once"),
            End::Woken(_) => panic!("nobody wakes the one that waits now"),
        }
    });
}

#[test]
fn loom_the_end_of_a_sequence_and_its_wish_for_the_next_meet_once() {
    model(|| {
        let (shared, a, mut b) = sides();
        let word = Arc::new(crate::sync::AtomicU64::new(0));
        let caller = {
            let (shared, word) = (shared.clone(), word.clone());
            loom::thread::spawn(move || wait_in(a, &shared, &word))
        };
        // The other ends: it wakes whom it finds.
        let (found, queued) = {
            let found = b.with_context(&shared, |context| coroutine::wake(context, &word));
            (found, b.processor.queue.take_next().is_some())
        };
        let by_itself = caller.join().unwrap();
        assert_eq!(found, queued ^ by_itself);
        assert_eq!(word.load(Ordering::SeqCst) == 0, found);
    });
}

#[test]
fn loom_a_called_goroutine_comes_back_to_a_caller_that_goes_to_sleep() {
    model(|| {
        let (shared, a, b) = sides();
        let mut caller = crate::program::idle_caller(&shared, a.runnable.goroutine());
        let ends = {
            let (shared, handle) = (shared.clone(), Arc::new(MachineHandle::new(2, false)));
            loom::thread::spawn(move || {
                let mut machine = Machine::guest(&shared, &handle, b.processor);
                machine.called_ended(Returned {
                    running: a.runnable.start(),
                    regular: true,
                });
            })
        };
        // As `find_runnable` does without a processor.
        while !caller.has_what_it_came_for() && caller.sleep() {}
        ends.join().unwrap();
        assert!(caller.handle.take_returned().is_some());
    });
}

#[test]
fn loom_a_processor_that_goes_idle_reaches_a_caller_who_wants_one() {
    model(|| {
        let (shared, a, b) = sides();
        let leaver = {
            let shared = shared.clone();
            loom::thread::spawn(move || {
                let mut central = shared.central();
                shared.put_idle_processor(&mut central, a.processor);
            })
        };
        let caller = Machine::caller(&shared, true);
        leaver.join().unwrap();
        let caller = caller.expect("the run goes on");
        assert!(caller.processor.is_some());
        assert!(shared.central().idle_processors.is_empty());
        drop(b);
    });
}
