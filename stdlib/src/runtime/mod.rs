//! Natives of package runtime.

mod finalizers;
pub mod pprof;
mod symbols;

use bytecode::TypeKind;
use vm::border::{Any, Bytes, GoSlice, GoStr};
use vm::native::{GoPanic, NativeContext, Parking};
use vm::natives;

use crate::strconv::float::append_float;

fn indented(text: GoStr<'_>) -> Bytes {
    let mut out = Vec::with_capacity(text.len());
    append_indented(&mut out, &text);
    Bytes(out)
}

fn append_indented(out: &mut Vec<u8>, text: &[u8]) {
    for &b in text {
        out.push(b);
        if b == b'\n' {
            out.push(b'\t');
        }
    }
}

/// A panic value without methods, as an uncaught panic shows it.
///
/// GO: runtime `printpanicval`, `printanycustomtype`.
fn panic_value_text(value: Any<'_>) -> Bytes {
    let Some(view) = value.view() else {
        return Bytes(b"nil".to_vec());
    };
    let ty = view.ty();
    let mut text = Vec::new();
    let is_string = matches!(view.kind(), TypeKind::String);
    match view.kind() {
        TypeKind::Bool => text.extend_from_slice(if view.bool() { b"true" } else { b"false" }),
        kind if kind.is_signed() => text.extend_from_slice(view.int().to_string().as_bytes()),
        kind if kind.is_unsigned() => {
            text.extend_from_slice(view.uint().to_string().as_bytes());
        }
        TypeKind::Float32 => append_float(&mut text, view.float(), b'g', -1, 32),
        TypeKind::Float64 => append_float(&mut text, view.float(), b'g', -1, 64),
        TypeKind::Complex64 { .. } | TypeKind::Complex128 { .. } => {
            let bits = if matches!(view.kind(), TypeKind::Complex64 { .. }) {
                32
            } else {
                64
            };
            append_complex(
                &mut text,
                view.field(0).float(),
                view.field(1).float(),
                bits,
            );
            if !ty.descriptor.package.is_empty() {
                // The parentheses of the type's name are enough.
                text.pop();
                text.remove(0);
            }
        }
        TypeKind::String => append_indented(&mut text, &view.string()),
        _ => {
            let address = value.data_word();
            return Bytes(format!("({}) {address:#x}", ty.name()).into_bytes());
        }
    }
    if ty.descriptor.package.is_empty() {
        return Bytes(text);
    }
    let quote: &[u8] = if is_string { b"\"" } else { b"" };
    Bytes([ty.name().as_bytes(), b"(", quote, &text, quote, b")"].concat())
}

fn collect(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::Collect(())
}

fn moment(context: &mut NativeContext<'_>) -> Parking<()> {
    let when = context.scheduler().now().saturating_add(25_000);
    context.slice().sleep_until(when);
    Parking::Park(runtime::WaitReason::Sleep, ())
}

fn processors(context: &mut NativeContext<'_>) -> i64 {
    context.scheduler().processors() as i64
}

fn set_processors(_: &mut NativeContext<'_>, count: i64) -> Parking<()> {
    Parking::SetProcessors(usize::try_from(count).unwrap_or(1).clamp(1, 256), ())
}

fn processors_of_machine() -> i64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as i64)
}

fn goroutines(context: &mut NativeContext<'_>) -> i64 {
    context.scheduler().goroutines() as i64
}

fn gosched(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::Yield(())
}

fn goexit(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::Goexit
}

fn keep_alive(_: Any<'_>) {}

fn not_pointer(x: Any<'_>) -> String {
    match x.ty() {
        None => "nil".to_owned(),
        Some(ty) if matches!(ty.kind(), TypeKind::Pointer { .. }) => String::new(),
        Some(ty) => format!("not a pointer: {}", ty.name()),
    }
}

fn breakpoint() -> Result<(), GoPanic> {
    Err(GoPanic::Signal("SIGTRAP: trace trap".to_owned()))
}

/// The trace of the calling goroutine, with its first line as in a dump, without the frame of the function that asks.
fn own_stack(context: &NativeContext<'_>, asker: &str) -> String {
    let trace = context.stack_trace();
    let shown = match trace.strip_prefix(asker) {
        // A frame is two lines.
        Some(_) => trace.splitn(3, '\n').nth(2).unwrap_or_default(),
        None => &trace,
    };
    format!(
        "goroutine {} [running]{}:\n{shown}",
        context.slice().goroutine().0,
        context.labels_text(),
    )
}

fn stack(context: &mut NativeContext<'_>) -> String {
    own_stack(context, "runtime.Stack(")
}

/// The traces of all goroutines, the calling one first.
fn all_stacks(context: &mut NativeContext<'_>) -> Parking<String> {
    let caller = context.slice().goroutine();
    Parking::World(Box::new(move |world| world.dump(Some(caller))))
}

/// See `memoryProfile`.
fn memory_profile(context: &mut NativeContext<'_>) -> Vec<u64> {
    let records = context.machine().heap().allocation_records();
    let words = records.iter().flat_map(|record| {
        let head = [
            record.size,
            record.allocated,
            record.freed,
            record.stack.len() as u64,
        ];
        head.into_iter().chain(record.stack.iter().copied())
    });
    words.collect()
}

/// See `goroutineStacks`.
fn goroutine_stacks(context: &mut NativeContext<'_>) -> Parking<Vec<u64>> {
    Parking::World(context.with_machine(|machine, world| {
        let stacks = machine.goroutine_stacks(world);
        let words = stacks
            .into_iter()
            .flat_map(|stack| std::iter::once(stack.len() as u64).chain(stack));
        words.collect()
    }))
}

fn lock_thread(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::LockThread(true, ())
}

fn unlock_thread(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::LockThread(false, ())
}

fn set_default_processors(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::World(Box::new(|world| world.set_default_processors()))
}

fn memory_statistics(context: &mut NativeContext<'_>, figures: GoSlice<'_, u64>) -> i64 {
    context.publish_allocations();
    let heap = context.machine().heap();
    let s = heap.statistics();
    let pauses = heap.pauses();
    let sizes = heap.sizes();
    let found = [
        s.in_use,
        s.total_allocated,
        s.reserved,
        s.block_bytes,
        s.collections,
        s.forced,
        u64::try_from(s.pause_total.as_nanos()).unwrap_or(u64::MAX),
        s.goal,
        s.mallocs.saturating_sub(s.frees),
        s.mallocs,
        s.last_end,
        s.reserved.saturating_sub(s.resident),
        s.stack_bytes,
        s.share.to_bits(),
        s.record_bytes[0],
        s.record_bytes[1],
        s.cache_bytes,
        heap.profile_bytes(),
        s.collector_bytes,
        sizes.len() as u64,
    ];
    let sizes = sizes
        .iter()
        .flat_map(|of| [u64::from(of.size), of.mallocs, of.frees]);
    let pauses = pauses
        .iter()
        .flat_map(|pause| [pause.nanoseconds, pause.end]);
    let mut count = 0;
    for (index, figure) in found
        .into_iter()
        .chain(sizes)
        .chain(pauses)
        .take(figures.len())
        .enumerate()
    {
        figures.set(index, figure);
        count = index + 1;
    }
    count as i64
}

fn print(context: &mut NativeContext<'_>, text: &[u8]) {
    // Nobody can be told that standard error is broken.
    let _ = context.host().write_stderr(text);
}

fn print_bool(context: &mut NativeContext<'_>, value: bool) {
    print(context, if value { b"true" } else { b"false" });
}

fn print_int(context: &mut NativeContext<'_>, value: i64) {
    print(context, value.to_string().as_bytes());
}

fn print_uint(context: &mut NativeContext<'_>, value: u64) {
    print(context, value.to_string().as_bytes());
}

fn print_float(context: &mut NativeContext<'_>, value: f64) {
    let mut text = Vec::with_capacity(32);
    append_float(&mut text, value, b'g', -1, 64);
    print(context, &text);
}

/// A complex number with parts of `bits` bits: `(1+2i)`.
fn append_complex(text: &mut Vec<u8>, real: f64, imaginary: f64, bits: u32) {
    text.push(b'(');
    append_float(text, real, b'g', -1, bits);
    let at = text.len();
    append_float(text, imaginary, b'g', -1, bits);
    if !matches!(text[at], b'+' | b'-') {
        text.insert(at, b'+');
    }
    text.extend_from_slice(b"i)");
}

fn print_complex(context: &mut NativeContext<'_>, real: f64, imaginary: f64) {
    let mut text = Vec::with_capacity(64);
    append_complex(&mut text, real, imaginary, 64);
    print(context, &text);
}

fn print_complex64(context: &mut NativeContext<'_>, real: f32, imaginary: f32) {
    let mut text = Vec::with_capacity(64);
    append_complex(&mut text, f64::from(real), f64::from(imaginary), 32);
    print(context, &text);
}

fn print_float32(context: &mut NativeContext<'_>, value: f32) {
    let mut text = Vec::with_capacity(32);
    append_float(&mut text, f64::from(value), b'g', -1, 32);
    print(context, &text);
}

fn print_string(context: &mut NativeContext<'_>, text: GoStr<'_>) {
    print(context, &text);
}

fn print_pointer(context: &mut NativeContext<'_>, address: u64) {
    let address = context.machine().shown_address(address);
    print(context, format!("{address:#x}").as_bytes());
}

/// A slice as `[length/capacity]address`.
fn print_slice(context: &mut NativeContext<'_>, length: i64, capacity: i64, address: u64) {
    let address = context.machine().shown_address(address);
    print(
        context,
        format!("[{length}/{capacity}]{address:#x}").as_bytes(),
    );
}

/// An interface as its two words.
fn print_interface(context: &mut NativeContext<'_>, ty: u64, data: u64) {
    let [ty, data] = [ty, data].map(|word| context.machine().shown_address(word));
    print(context, format!("({ty:#x},{data:#x})").as_bytes());
}

fn print_space(context: &mut NativeContext<'_>) {
    print(context, b" ");
}

fn print_newline(context: &mut NativeContext<'_>) {
    print(context, b"\n");
}

/// The natives of the builtins `print` and `println`: the compiler calls them without a declaration.
pub const PRINT_NATIVES: &[&str] = &[
    "printbool",
    "printint",
    "printuint",
    "printfloat",
    "printfloat32",
    "printcomplex",
    "printcomplex64",
    "printstring",
    "printpointer",
    "printslice",
    "printinterface",
    "printsp",
    "printnl",
];

natives! {
    pure "printbool" => print_bool;
    pure "printint" => print_int;
    pure "printuint" => print_uint;
    pure "printfloat" => print_float;
    pure "printfloat32" => print_float32;
    pure "printcomplex" => print_complex;
    pure "printcomplex64" => print_complex64;
    pure "printstring" => print_string;
    pure "printpointer" => print_pointer;
    pure "printslice" => print_slice;
    pure "printinterface" => print_interface;
    pure "printsp" => print_space;
    pure "printnl" => print_newline;
    pure "indented" => indented;
    pure "panicValueText" => panic_value_text;
    parking "collect" => collect;
    parking "moment" => moment;
    pure "processors" => processors;
    parking "setProcessors" => set_processors;
    pure "NumCPU" => processors_of_machine;
    pure "NumGoroutine" => goroutines;
    parking "Gosched" => gosched;
    parking "Goexit" => goexit;
    pure "KeepAlive" => keep_alive;
    pure "notPointer" => not_pointer;
    pure "setFinalizer" => finalizers::set_finalizer;
    pure "nextFinalizer" => finalizers::next_finalizer;
    pure "runnerEnded" => finalizers::runner_ended;
    pure "runnersAtWork" => finalizers::runners_at_work;
    pure "addCleanup" => finalizers::add_cleanup;
    pure "stopCleanup" => finalizers::stop_cleanup;
    pure "nextCleanup" => finalizers::next_cleanup;
    pure "Breakpoint" => breakpoint;
    pure "callers" => symbols::callers;
    pure "position" => symbols::position;
    pure "functionName" => symbols::function_name;
    pure "functionAt" => symbols::function_at;
    pure "stack" => stack;
    parking "allStacks" => all_stacks;
    parking "LockOSThread" => lock_thread;
    parking "UnlockOSThread" => unlock_thread;
    parking "SetDefaultGOMAXPROCS" => set_default_processors;
    pure "floatOf" => f64::from_bits;
    pure "memoryProfile" => memory_profile;
    parking "goroutineStacks" => goroutine_stacks;
    pure "memoryStatistics" => memory_statistics;
}

/// Natives of package runtime/debug.
pub mod debug {
    use vm::native::{NativeContext, Parking};

    /// Percent, -1 for off; returns the former setting.
    fn set_growth(context: &mut NativeContext<'_>, percent: i64) -> i64 {
        let percent = u32::try_from(percent).ok();
        context
            .machine()
            .heap()
            .set_growth_percent(percent)
            .map_or(-1, i64::from)
    }

    /// A negative limit asks only.
    fn set_limit(context: &mut NativeContext<'_>, limit: i64) -> i64 {
        let heap = context.machine().heap();
        let former = match u64::try_from(limit) {
            Ok(limit) => heap.set_soft_limit(if limit >= i64::MAX as u64 {
                None
            } else {
                Some(limit)
            }),
            Err(_) => {
                let former = heap.set_soft_limit(None);
                heap.set_soft_limit(former);
                former
            }
        };
        former.map_or(i64::MAX, |limit| i64::try_from(limit).unwrap_or(i64::MAX))
    }

    fn collect(_: &mut NativeContext<'_>) -> Parking<()> {
        Parking::Collect(())
    }

    fn release(context: &mut NativeContext<'_>) {
        context.machine().heap().release_unused();
    }

    /// GO: runtime2.go `maxmcount`, proc.go `checkmcount`.
    fn set_max_threads(
        context: &mut NativeContext<'_>,
        count: i64,
    ) -> Result<i64, vm::native::GoPanic> {
        let scheduler = context.scheduler();
        let count = count.min(i64::from(i32::MAX));
        let former = scheduler.set_max_threads(usize::try_from(count).unwrap_or(0));
        if scheduler.has_too_many_threads() {
            return Err(vm::native::GoPanic::Signal(format!(
                "runtime: program exceeds {count}-thread limit\nfatal error: thread exhaustion"
            )));
        }
        Ok(i64::try_from(former).unwrap_or(i64::MAX))
    }

    fn set_max_stack(context: &mut NativeContext<'_>, bytes: i64) -> i64 {
        let bytes = usize::try_from(bytes).unwrap_or(0);
        i64::try_from(context.machine().set_max_stack(bytes)).unwrap_or(i64::MAX)
    }

    fn set_traceback(context: &mut NativeContext<'_>, level: vm::border::GoStr<'_>) {
        let level = vm::TracebackLevel::named(&level.to_text());
        context.machine().set_traceback(level);
    }

    fn stack(context: &mut NativeContext<'_>) -> Vec<u8> {
        super::own_stack(context, "").into_bytes()
    }

    vm::natives! {
        pure "setGrowth" => set_growth;
        pure "SetMemoryLimit" => set_limit;
        parking "collect" => collect;
        pure "setMaxThreads" => set_max_threads;
        pure "setMaxStack" => set_max_stack;
        pure "SetTraceback" => set_traceback;
        pure "release" => release;
        pure "stack" => stack;
    }
}
