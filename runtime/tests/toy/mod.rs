//! A toy engine: its fibers are Rust futures, polled once per time slice. It shows how an engine uses the runtime, and tests
//! the whole scheduler without bytecode.

#![allow(dead_code)]

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
};

use golite_runtime::*;

/// What a goroutine of the toy does.
pub type Body = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a timer of the toy does.
pub type OnTimer = &'static (dyn Fn(&Context<'_, Toy>) + Sync);

pub type OnTraceback = Box<dyn Fn() + Send + Sync>;

pub type OnCollect = Box<dyn Fn(&mut StoppedWorld<'_, Toy>) + Send + Sync>;

#[derive(Default)]
pub struct Toy {
    pub collections: AtomicUsize,
    pub finished: AtomicUsize,
    pub abandoned: AtomicUsize,
    /// Looks at the stopped world in every collection.
    pub on_collect: Option<OnCollect>,
    /// What it says of a timer that has fired.
    pub ticks_take_long: bool,
    /// Is there when a goroutine's trace is written.
    pub on_traceback: Option<OnTraceback>,
}

thread_local! {
    static SLICE: Cell<*const ()> = const { Cell::new(std::ptr::null()) };
    static SWITCH: RefCell<Option<Switch<Toy>>> = const { RefCell::new(None) };
}

/// The toy's stack limit and frame pointer: the limit is above, the poison below.
const LIMIT: usize = 100;
const FRAME: usize = 50;

impl Engine for Toy {
    type Fiber = Body;
    type PerProcessor = usize;
    type Transfer = u64;
    type Completion = u64;
    type Failure = String;
    type TimerPayload = OnTimer;

    fn new_per_processor(&self, _processor: usize) -> usize {
        0
    }

    fn run(&self, fiber: &mut Body, local: &mut usize, slice: &Slice<'_, Toy>) -> Switch<Toy> {
        slice.install_limit(LIMIT);
        *local += 1;
        let before = SLICE.replace(std::ptr::from_ref(slice).cast());
        assert!(before.is_null(), "the engine is not re-entrant");
        let polled = fiber
            .as_mut()
            .poll(&mut std::task::Context::from_waker(Waker::noop()));
        SLICE.set(std::ptr::null());
        match polled {
            Poll::Ready(()) => SWITCH.take().unwrap_or(Switch::Exit),
            Poll::Pending => SWITCH.take().expect("a toy that pends says why"),
        }
    }

    fn timer_fired(
        &self,
        payload: OnTimer,
        _local: &mut usize,
        context: &Context<'_, Toy>,
    ) -> Fired {
        payload(context);
        match self.ticks_take_long {
            true => Fired::UnderWay,
            false => Fired::Done,
        }
    }

    fn collect(&self, world: &mut StoppedWorld<'_, Toy>, _reason: CollectionReason) {
        self.collections.fetch_add(1, Ordering::SeqCst);
        if let Some(on_collect) = &self.on_collect {
            on_collect(world);
        }
    }

    fn finished(&self, fiber: Body, local: &mut usize) {
        *local += 1;
        drop(fiber);
        self.finished.fetch_add(1, Ordering::SeqCst);
    }

    fn abandoned(&self, fiber: Body) {
        drop(fiber);
        self.abandoned.fetch_add(1, Ordering::SeqCst);
    }

    fn traceback(&self, _fiber: &Body, out: &mut String) {
        if let Some(on_traceback) = &self.on_traceback {
            on_traceback();
        }
        out.push_str("toy()\n\t/toy.gl:1\n");
    }
}

/// Runs `f` on the slice of the goroutine that is running.
pub fn with<R>(f: impl FnOnce(&Slice<'_, Toy>) -> R) -> R {
    let slice = SLICE.get();
    assert!(!slice.is_null(), "only in a goroutine");
    // SAFETY: `run` has set it for the time of the poll that we are in, on this thread.
    f(unsafe { &*slice.cast::<Slice<'_, Toy>>() })
}

/// Returns to the scheduler once, with `switch`.
pub async fn leave(switch: Switch<Toy>) {
    let mut switch = Some(switch);
    std::future::poll_fn(move |_| match switch.take() {
        Some(switch) => {
            SWITCH.set(Some(switch));
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
}

pub fn go(body: impl Future<Output = ()> + Send + 'static) -> GoroutineId {
    with(|slice| slice.spawn(Box::pin(body)))
}

/// Control goes to the other goroutine of a pair.
pub async fn pass(word: &std::sync::atomic::AtomicU64) {
    let switched = with(|slice| coroutine::switch(slice, word));
    leave(match switched {
        coroutine::Switched::To(other) => Switch::Coroutine(other),
        coroutine::Switched::Parked => Switch::Park(WaitReason::Coroutine),
        coroutine::Switched::Nobody => panic!("nobody waits"),
    })
    .await;
}

pub async fn gosched() {
    leave(Switch::Yield).await;
}

/// What a loop's back-edge does.
pub async fn safepoint() {
    let action = with(|slice| {
        if FRAME > slice.limit().load(Ordering::Relaxed) {
            slice.at_safepoint(LIMIT)
        } else {
            SafepointAction::Continue
        }
    });
    if action == SafepointAction::Yield {
        leave(Switch::Yield).await;
    }
}

pub async fn sleep(nanos: i64) {
    with(|slice| slice.sleep_until(slice.now() + nanos));
    leave(Switch::Park(WaitReason::Sleep)).await;
}

pub fn now() -> i64 {
    with(|slice| slice.now())
}

pub async fn blocking(job: impl FnOnce() -> u64 + Send + 'static) -> u64 {
    leave(Switch::Blocking(BlockingCall::new(job))).await;
    with(|slice| slice.take_completion()).expect("a blocking call answers")
}

pub async fn blocking_long(job: impl FnOnce() -> u64 + Send + 'static) -> u64 {
    leave(Switch::Blocking(BlockingCall::long(job))).await;
    with(|slice| slice.take_completion()).expect("a blocking call answers")
}

pub async fn stop_the_world(
    job: impl FnOnce(&mut StoppedWorld<'_, Toy>) -> u64 + Send + 'static,
) -> u64 {
    leave(Switch::StopTheWorld(Box::new(job))).await;
    with(|slice| slice.take_completion()).expect("a job in the stopped world answers")
}

pub async fn exit(status: i32) {
    leave(Switch::ExitProcess(status)).await;
}

/// A channel with its buffer.
pub struct ToyChannel {
    pub channel: Channel<Toy>,
    elements: Mutex<Vec<u64>>,
}

pub struct ToyBuffer<'a>(&'a Mutex<Vec<u64>>);

impl Buffer<u64> for ToyBuffer<'_> {
    fn load(&self, index: usize) -> u64 {
        self.0.lock().unwrap()[index]
    }
    fn store(&self, index: usize, value: u64) {
        self.0.lock().unwrap()[index] = value;
    }
    fn clear(&self, index: usize) {
        self.0.lock().unwrap()[index] = 0;
    }
}

pub type Chan = Arc<ToyChannel>;

pub fn chan(capacity: usize) -> Chan {
    Arc::new(ToyChannel {
        channel: Channel::new(capacity),
        elements: Mutex::new(vec![0; capacity]),
    })
}

impl ToyChannel {
    pub fn buffer(&self) -> ToyBuffer<'_> {
        ToyBuffer(&self.elements)
    }

    /// `false`: the channel is closed.
    pub async fn send(&self, value: u64) -> bool {
        match with(|slice| self.channel.send(slice, value, &self.buffer())) {
            SendResult::Done => true,
            SendResult::Closed => false,
            SendResult::Parked => {
                leave(Switch::Park(WaitReason::ChannelSend)).await;
                with(|slice| slice.take_wake_outcome()).ok
            }
            SendResult::WouldBlock => unreachable!(),
        }
    }

    pub async fn recv(&self) -> Option<u64> {
        match with(|slice| self.channel.receive(slice, &self.buffer())) {
            ReceiveResult::Done(value, ok) => ok.then_some(value),
            ReceiveResult::Parked => {
                leave(Switch::Park(WaitReason::ChannelReceive)).await;
                let outcome = with(|slice| slice.take_wake_outcome());
                outcome.ok.then_some(outcome.value)
            }
            ReceiveResult::WouldBlock => unreachable!(),
        }
    }

    pub fn close(&self) {
        assert_eq!(with(|slice| self.channel.close(slice)), CloseResult::Done);
    }
}

/// One case: a channel, and what to send.
pub type Case<'a> = (&'a ToyChannel, Option<u64>);

/// Answers the case, the value and `ok`.
pub async fn select_any(cases: &[Case<'_>]) -> (usize, u64, bool) {
    let result = with(|slice| {
        let cases: Vec<_> = cases
            .iter()
            .map(|(channel, value)| SelectCase {
                channel: Some(&channel.channel),
                direction: value.map_or(Direction::Receive, Direction::Send),
                buffer: channel.buffer(),
            })
            .collect();
        select(slice, &cases, true)
    });
    match result {
        SelectResult::Received { case, value, ok } => (case, value, ok),
        SelectResult::Sent { case } => (case, 0, true),
        SelectResult::SendOnClosed { case } => (case, 0, false),
        SelectResult::WouldBlock => unreachable!(),
        SelectResult::Parked => {
            leave(Switch::Park(WaitReason::Select)).await;
            let outcome = with(|slice| slice.take_wake_outcome());
            (outcome.case, outcome.value, outcome.ok)
        }
    }
}

pub async fn sem_acquire(address: &AtomicU32) {
    if with(|slice| acquire(slice, address, false)) == AcquireResult::Parked {
        leave(Switch::Park(WaitReason::SemaphoreAcquire)).await;
    }
}

pub async fn sem_release(address: &AtomicU32) {
    if with(|slice| release(slice, address, false)) == ReleaseResult::YieldToWaiter {
        gosched().await;
    }
}

/// Test programs named `pooled_...` do the tests of others on machines that all their schedulers share.
pub fn is_pooled() -> bool {
    module_path!().starts_with("pooled_")
}

fn shared_machines() -> Option<Machines> {
    static SHARED: OnceLock<Machines> = OnceLock::new();
    is_pooled().then(|| SHARED.get_or_init(|| Machines::new(200).unwrap()).clone())
}

pub fn options(processors: usize) -> Options {
    let mut options = Options::default();
    options.processors = Some(processors);
    options.machines = shared_machines();
    options
}

pub fn run_with(
    toy: Toy,
    options: Options,
    main: impl Future<Output = ()> + Send + 'static,
) -> (Arc<Toy>, Outcome<Toy>) {
    let toy = Arc::new(toy);
    let outcome = Scheduler::new(Arc::clone(&toy), options).run(Box::pin(main));
    (toy, outcome)
}

/// Runs `main` to its end.
pub fn run(processors: usize, main: impl Future<Output = ()> + Send + 'static) {
    let (_, outcome) = run_with(Toy::default(), options(processors), main);
    match outcome {
        Outcome::MainExited => {}
        Outcome::Deadlock { message, dump } => panic!("{message}\n{dump}"),
        _ => panic!("another end"),
    }
}
