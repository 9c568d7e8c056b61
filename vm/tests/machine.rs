//! Hand-assembled programs through the whole machine: linker, verifier, interpreter, scheduler, heap.

mod program;

use bytecode::*;
use golite_vm::{Exit, LinkError, Stress, VmOptions};
use program::*;

/// Runs on one processor, on four, and with a collection or a part of one at every safepoint; all must agree.
fn run_everywhere(program: &Builder) -> (Exit, String) {
    let mut outcomes = Vec::new();
    for (processors, stress) in [
        (1, Stress::None),
        (4, Stress::None),
        (1, Stress::Collect),
        (2, Stress::Collect),
        (1, Stress::Step),
        (2, Stress::Step),
    ] {
        let options = VmOptions {
            processors: Some(processors),
            stress,
            verify_marks: stress == Stress::Step,
            poison_freed: true,
            ..VmOptions::default()
        };
        outcomes.push(program.run(options));
    }
    assert!(
        outcomes
            .iter()
            .all(|o| o.0.status == outcomes[0].0.status && o.1 == outcomes[0].1),
        "{outcomes:#?}"
    );
    outcomes.swap_remove(0)
}

#[test]
fn fib_calls_and_returns() {
    let mut b = Builder::new();
    let fib = fib(&mut b);
    let mut f = Code::new(0);
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(20),
    });
    f.stop(
        op::Call {
            window: Window(2),
            function: fib,
        },
        &[],
    );
    f.print(&mut b, 2);
    f.emit(op::Return {});
    b.main(f.finish(&[], 16));
    assert_eq!(
        run_everywhere(&b),
        (
            Exit {
                status: 0,
                message: String::new(),
                out_of_memory: false,
                limit: None,
                crashes: false,
            },
            "6765\n".into()
        )
    );
}

#[test]
fn a_deep_recursion_grows_the_stack_and_an_endless_one_overflows() {
    let mut b = Builder::new();
    let down = b.declare("main.down");
    let mut f = Code::new(1);
    let end = f.asm.new_label();
    f.jump(
        op::JumpIfEqIntImm {
            a: r(0),
            value: Imm16(0),
            to: Jump16(0),
        },
        end,
    );
    f.emit(op::AddIntImm {
        dst: r(3),
        a: r(0),
        value: Imm16(-1),
    });
    f.stop(
        op::Call {
            window: Window(3),
            function: down,
        },
        &[],
    );
    f.emit(op::AddIntImm {
        dst: r(0),
        a: r(3),
        value: Imm16(1),
    });
    f.asm.bind(end);
    f.emit(op::ReturnOne { src: r(0) });
    b.define(down, f.finish(&[SlotKind::Scalar], 8));
    let mut f = Code::new(0);
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(3000),
    });
    f.stop(
        op::Call {
            window: Window(2),
            function: down,
        },
        &[],
    );
    f.print(&mut b, 2);
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(-1),
    });
    f.stop(
        op::Call {
            window: Window(2),
            function: down,
        },
        &[],
    );
    f.emit(op::Return {});
    b.main(f.finish(&[], 16));
    let options = VmOptions {
        max_stack: 1 << 20,
        processors: Some(1),
        ..VmOptions::default()
    };
    let (exit, output) = b.run(options);
    assert_eq!(output, "3000\n");
    assert_eq!(exit.status, 2);
    let mut lines = exit.message.lines();
    assert_eq!(
        lines.next(),
        Some("runtime: goroutine stack exceeds 1048576-byte limit")
    );
    assert!(
        exit.message.contains("\nfatal error: stack overflow\n"),
        "{}",
        exit.message
    );
    assert!(
        exit.message
            .contains("goroutine 1 [running]:\nmain.down(...)\n"),
        "{}",
        exit.message
    );
    assert!(exit.message.contains("frames elided"), "{}", exit.message);
}

#[test]
fn slices_grow_and_survive_collections() {
    let mut b = Builder::new();
    let mut f = Code::new(0);
    let ints = b.known_extra.int_slice;
    // r0,r1: slice; r2: i; r3: n; r4: sum; r5: element
    f.emit(op::Zero {
        dst: Run(0),
        count: Count(2),
    });
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(0),
    });
    f.emit(op::LoadInt {
        dst: r(3),
        value: Imm32(1000),
    });
    let body = f.asm.new_label();
    f.asm.bind(body);
    f.stop(
        op::AppendWord {
            dst: Pair(0),
            slice: Pair(0),
            src: r(2),
            ty: ints,
        },
        &[(0, SlotKind::Ref)],
    );
    f.stop_jump(
        op::ForLtInt {
            a: r(2),
            b: r(3),
            to: Jump16(0),
        },
        body,
        &[(0, SlotKind::Ref)],
    );
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(0),
    });
    f.emit(op::LoadInt {
        dst: r(4),
        value: Imm32(0),
    });
    let sum = f.asm.new_label();
    f.asm.bind(sum);
    f.emit(op::SliceGetWord {
        dst: r(5),
        slice: Pair(0),
        index: r(2),
    });
    f.emit(op::AddInt {
        dst: r(4),
        a: r(4),
        b: r(5),
    });
    f.stop_jump(
        op::ForLtInt {
            a: r(2),
            b: r(3),
            to: Jump16(0),
        },
        sum,
        &[(0, SlotKind::Ref)],
    );
    f.emit(op::Move {
        dst: r(10),
        src: r(4),
    });
    f.print(&mut b, 10);
    f.emit(op::Cap {
        dst: r(10),
        header: r(1),
    });
    f.print(&mut b, 10);
    f.emit(op::SliceGetWord {
        dst: r(5),
        slice: Pair(0),
        index: r(3),
    });
    f.emit(op::Return {});
    b.main(f.finish(&[], 20));
    let (exit, output) = run_everywhere(&b);
    assert_eq!(output, "499500\n1280\n");
    assert_eq!(exit.status, 2);
    assert!(
        exit.message.starts_with("panic: (runtime.boundsError) "),
        "{}",
        exit.message
    );
    assert!(
        exit.message
            .contains("\n\ngoroutine 1 [running]:\nmain.main()\n"),
        "{}",
        exit.message
    );
}

/// A function that recovers and prints what it recovered: 1 if it was a runtime error, else the int in the value.
fn recoverer(b: &mut Builder) -> FunctionId {
    let id = b.declare("main.recoverer");
    let error = b.known.runtime_error;
    let mut f = Code::new(0);
    f.emit(op::Recover { dst: Pair(0) });
    f.emit(op::Move {
        dst: r(4),
        src: r(1),
    });
    let other = f.asm.new_label();
    f.jump(
        op::JumpIfNotType {
            src: Pair(0),
            ty: error,
            to: Jump32(0),
        },
        other,
    );
    f.emit(op::LoadInt {
        dst: r(4),
        value: Imm32(-1),
    });
    f.asm.bind(other);
    f.print(b, 4);
    f.emit(op::Return {});
    b.define(id, f.finish(&[], 8));
    id
}

/// A function that defers `deferred` and then runs `body`; returns r0, which recovery code returns too.
fn deferring(
    b: &mut Builder,
    name: &str,
    deferred: FunctionId,
    body: impl FnOnce(&mut Builder, &mut Code),
) -> FunctionId {
    let id = b.declare(name);
    let mut f = Code::new(0);
    f.emit(op::LoadInt {
        dst: r(0),
        value: Imm32(0),
    });
    f.emit(op::LoadFunction {
        dst: r(1),
        function: deferred,
    });
    f.emit(op::Defer {
        window: Window(4),
        closure: r(1),
        count: Count(0),
    });
    body(b, &mut f);
    f.recovery_here();
    f.stop(op::RunDefers { window: Window(8) }, &[]);
    f.emit(op::ReturnOne { src: r(0) });
    b.define(id, f.finish(&[], 16));
    id
}

#[test]
fn panics_are_recovered_by_deferred_calls_only() {
    let mut b = Builder::new();
    let rec = recoverer(&mut b);
    let int = b.known.int;
    let panicking = deferring(&mut b, "main.panicking", rec, |_, f| {
        f.emit(op::LoadInt {
            dst: r(0),
            value: Imm32(7),
        });
        f.emit(op::LoadInt {
            dst: r(2),
            value: Imm32(42),
        });
        f.emit(op::MakeInterface {
            dst: Pair(4),
            src: Run(2),
            ty: int,
        });
        f.emit(op::Panic { value: Pair(4) });
    });
    let dividing = deferring(&mut b, "main.dividing", rec, |_, f| {
        f.emit(op::LoadInt {
            dst: r(2),
            value: Imm32(0),
        });
        f.emit(op::DivInt {
            dst: r(0),
            a: r(0),
            b: r(2),
        });
    });
    // A deferred call that calls the recoverer in turn: that one recovers nothing.
    let indirect = b.declare("main.indirect");
    let mut f = Code::new(0);
    f.stop(
        op::Call {
            window: Window(2),
            function: rec,
        },
        &[],
    );
    f.emit(op::Return {});
    b.define(indirect, f.finish(&[], 4));
    let uncaught = deferring(&mut b, "main.uncaught", indirect, |_, f| {
        f.emit(op::LoadInt {
            dst: r(2),
            value: Imm32(5),
        });
        f.emit(op::MakeInterface {
            dst: Pair(4),
            src: Run(2),
            ty: int,
        });
        f.emit(op::Panic { value: Pair(4) });
    });
    let mut f = Code::new(0);
    for function in [panicking, dividing, uncaught] {
        f.stop(
            op::Call {
                window: Window(4),
                function,
            },
            &[],
        );
        f.print(&mut b, 4);
    }
    f.emit(op::Return {});
    b.main(f.finish(&[], 16));
    let (exit, output) = run_everywhere(&b);
    assert_eq!(output, "42\n7\n-1\n0\n0\n");
    assert_eq!(exit.status, 2);
    assert!(
        exit.message.starts_with("panic: (int) 0x5\n"),
        "{}",
        exit.message
    );
    assert!(
        exit.message.contains("main.uncaught()\n"),
        "{}",
        exit.message
    );
}

#[test]
fn a_panic_in_a_deferred_call_replaces_the_first_and_both_are_printed() {
    let mut b = Builder::new();
    let int = b.known.int;
    let second = b.declare("main.second");
    let mut f = Code::new(0);
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(2),
    });
    f.emit(op::MakeInterface {
        dst: Pair(4),
        src: Run(2),
        ty: int,
    });
    f.emit(op::Panic { value: Pair(4) });
    b.define(second, f.finish(&[], 8));
    let first = |b: &mut Builder, name: &str| {
        deferring(b, name, second, |_, f| {
            f.emit(op::LoadInt {
                dst: r(2),
                value: Imm32(1),
            });
            f.emit(op::MakeInterface {
                dst: Pair(4),
                src: Run(2),
                ty: int,
            });
            f.emit(op::Panic { value: Pair(4) });
        })
    };
    let first = first(&mut b, "main.first");
    // Recovered further down: the second value, and both panics are gone.
    let rec = recoverer(&mut b);
    let below = deferring(&mut b, "main.below", rec, |_, f| {
        f.stop(
            op::Call {
                window: Window(8),
                function: first,
            },
            &[],
        );
    });
    let mut f = Code::new(0);
    f.stop(
        op::Call {
            window: Window(4),
            function: below,
        },
        &[],
    );
    f.stop(
        op::Call {
            window: Window(4),
            function: first,
        },
        &[],
    );
    f.emit(op::Return {});
    b.main(f.finish(&[], 16));
    let (exit, output) = run_everywhere(&b);
    assert_eq!(output, "2\n");
    assert!(
        exit.message.starts_with(
            "panic: (int) 0x1\n\tpanic: (int) 0x2\n\ngoroutine 1 [running]:\nmain.second()\n"
        ),
        "{}",
        exit.message
    );
    assert!(
        exit.message.contains("panic(...)\nmain.first()\n"),
        "{}",
        exit.message
    );
}

#[test]
fn closures_keep_what_they_capture() {
    let mut b = Builder::new();
    let int = b.known.int;
    // A counter: adds its argument to a captured cell and returns the sum and the captured constant.
    let counter = b.declare("main.counter");
    let mut f = Code::new(1);
    f.emit(op::LoadCapture {
        dst: Run(3),
        index: Count(0),
        count: Count(1),
    });
    f.emit(op::LoadWord {
        dst: r(1),
        pointer: r(3),
        offset: Count(0),
    });
    f.emit(op::AddInt {
        dst: r(1),
        a: r(1),
        b: r(0),
    });
    f.emit(op::StoreWord {
        src: r(1),
        pointer: r(3),
        offset: Count(0),
    });
    f.emit(op::LoadCapture {
        dst: Run(2),
        index: Count(1),
        count: Count(1),
    });
    f.emit(op::AddInt {
        dst: r(0),
        a: r(1),
        b: r(2),
    });
    f.emit(op::ReturnOne { src: r(0) });
    let mut function = f.finish(&[SlotKind::Scalar], 8);
    function.captures = vec![SlotKind::Ref, SlotKind::Scalar];
    b.define(counter, function);
    let mut f = Code::new(0);
    f.emit(op::New { dst: r(0), ty: int });
    f.emit(op::LoadInt {
        dst: r(1),
        value: Imm32(1000),
    });
    f.emit(op::MakeClosure {
        dst: r(2),
        first: Run(0),
        count: Count(2),
        function: counter,
    });
    f.emit(op::LoadInt {
        dst: r(3),
        value: Imm32(0),
    });
    let body = f.asm.new_label();
    f.asm.bind(body);
    f.emit(op::LoadInt {
        dst: r(8),
        value: Imm32(3),
    });
    f.stop(
        op::CallClosure {
            window: Window(8),
            closure: r(2),
        },
        &[(2, SlotKind::Ref)],
    );
    f.stop_jump(
        op::ForLtIntImm {
            a: r(3),
            value: Imm16(100),
            to: Jump16(0),
        },
        body,
        &[(2, SlotKind::Ref)],
    );
    f.print(&mut b, 8);
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(0),
    });
    f.stop(
        op::CallClosure {
            window: Window(8),
            closure: r(2),
        },
        &[],
    );
    f.emit(op::Return {});
    b.main(f.finish(&[], 16));
    let (exit, output) = run_everywhere(&b);
    assert_eq!(output, "1300\n");
    assert_eq!(exit.status, 2);
}

#[test]
fn interface_calls_find_their_methods() {
    let mut b = Builder::new();
    // Two types with methods of the same selectors.
    let area = b.selector("Area");
    let name = b.selector("Name");
    let method = |b: &mut Builder, label: &str, factor: i16| {
        let id = b.declare(label);
        let mut f = Code::new(2);
        f.emit(op::AddInt {
            dst: r(0),
            a: r(0),
            b: r(1),
        });
        f.emit(op::MulIntImm {
            dst: r(0),
            a: r(0),
            value: Imm16(factor),
        });
        f.emit(op::ReturnOne { src: r(0) });
        b.define(id, f.finish(&[SlotKind::Scalar, SlotKind::Scalar], 4));
        id
    };
    let (a1, a2) = (
        method(&mut b, "main.A.Area", 2),
        method(&mut b, "main.B.Area", 3),
    );
    let n2 = method(&mut b, "main.B.Name", 5);
    let a = b.named_int("A", &[(area, a1)]);
    let bt = b.named_int("B", &[(area, a2), (name, n2)]);
    let both = b.interface("main.Both", &[area, name]);
    let mut f = Code::new(0);
    f.emit(op::LoadInt {
        dst: r(0),
        value: Imm32(10),
    });
    for ty in [a, bt] {
        f.emit(op::MakeInterface {
            dst: Pair(2),
            src: Run(0),
            ty,
        });
        f.emit(op::LoadInt {
            dst: r(9),
            value: Imm32(1),
        });
        f.stop(
            op::CallInterface {
                window: Window(8),
                receiver: Pair(2),
                selector: Selector(area as u16),
            },
            &[(3, SlotKind::InterfaceData)],
        );
        f.print(&mut b, 8);
        f.emit(op::AssertInterfaceOk {
            dst: Pair(4),
            ok: r(8),
            src: Pair(2),
            ty: both,
        });
        f.print(&mut b, 8);
    }
    f.emit(op::LoadInt {
        dst: r(9),
        value: Imm32(2),
    });
    f.stop(
        op::CallInterface {
            window: Window(8),
            receiver: Pair(4),
            selector: Selector(name as u16),
        },
        &[],
    );
    f.print(&mut b, 8);
    f.emit(op::MakeInterface {
        dst: Pair(2),
        src: Run(0),
        ty: a,
    });
    f.emit(op::AssertInterface {
        dst: Pair(2),
        src: Pair(2),
        ty: both,
    });
    f.emit(op::Return {});
    b.main(f.finish(&[], 20));
    b.text_of_panics();
    let (exit, output) = run_everywhere(&b);
    assert_eq!(output, "22\n0\n33\n1\n60\n");
    assert!(
        exit.message.starts_with(
            "panic: interface conversion: main.A is not main.Both: missing method Name\n"
        ),
        "{}",
        exit.message
    );
}

/// Sends 0..n on a channel from one goroutine and sums in another.
fn producer_consumer(size: Option<i32>, boxed_strings: bool) -> Builder {
    let mut b = Builder::new();
    let element = if boxed_strings {
        b.known.string
    } else {
        b.known.int
    };
    let chan = b.channel(element);
    let text = b.string("abc");
    let producer = b.declare("main.producer");
    let mut f = Code::new(1);
    let live = [(0, SlotKind::Ref)];
    f.emit(op::LoadInt {
        dst: r(1),
        value: Imm32(0),
    });
    let body = f.asm.new_label();
    f.asm.bind(body);
    if boxed_strings {
        f.emit(op::LoadString {
            dst: Pair(4),
            value: text,
        });
        f.stop(
            op::Concat {
                dst: Pair(2),
                a: Pair(4),
                b: Pair(4),
            },
            &[(0, SlotKind::Ref), (4, SlotKind::Ref)],
        );
    } else {
        f.emit(op::Move {
            dst: r(2),
            src: r(1),
        });
    }
    let send_live: &[(u16, SlotKind)] = if boxed_strings {
        &[(0, SlotKind::Ref), (2, SlotKind::Ref)]
    } else {
        &live
    };
    f.stop(
        op::Send {
            channel: r(0),
            src: Run(2),
            ty: chan,
        },
        send_live,
    );
    f.stop_jump(
        op::ForLtIntImm {
            a: r(1),
            value: Imm16(500),
            to: Jump16(0),
        },
        body,
        &live,
    );
    f.emit(op::CloseChannel { channel: r(0) });
    f.emit(op::Return {});
    b.define(producer, f.finish(&[SlotKind::Ref], 8));
    let mut f = Code::new(0);
    let size_register = match size {
        None => OptionalRegister(u16::MAX),
        Some(size) => {
            f.emit(op::LoadInt {
                dst: r(1),
                value: Imm32(size),
            });
            OptionalRegister(1)
        }
    };
    f.stop(
        op::MakeChannel {
            dst: r(0),
            size: size_register,
            ty: chan,
        },
        &[],
    );
    f.emit(op::LoadFunction {
        dst: r(2),
        function: producer,
    });
    f.emit(op::Move {
        dst: r(8),
        src: r(0),
    });
    f.stop(
        op::Go {
            window: Window(8),
            closure: r(2),
            count: Count(1),
        },
        &[(0, SlotKind::Ref)],
    );
    f.emit(op::LoadInt {
        dst: r(3),
        value: Imm32(0),
    });
    let (again, done) = (f.asm.new_label(), f.asm.new_label());
    f.asm.bind(again);
    f.stop(
        op::ReceiveOk {
            dst: OptionalRegister(4),
            ok: r(6),
            channel: r(0),
            ty: chan,
        },
        &[(0, SlotKind::Ref)],
    );
    f.jump(
        op::JumpIfFalse {
            a: r(6),
            to: Jump32(0),
        },
        done,
    );
    // For strings the length stands in the second slot.
    f.emit(op::AddInt {
        dst: r(3),
        a: r(3),
        b: r(if boxed_strings { 5 } else { 4 }),
    });
    f.stop_jump(op::Loop { to: Jump32(0) }, again, &[(0, SlotKind::Ref)]);
    f.asm.bind(done);
    f.emit(op::Move {
        dst: r(10),
        src: r(3),
    });
    f.print(&mut b, 10);
    f.stop(
        op::Receive {
            dst: OptionalRegister(4),
            channel: r(0),
            ty: chan,
        },
        &[(0, SlotKind::Ref)],
    );
    f.emit(op::Move {
        dst: r(10),
        src: r(4),
    });
    f.print(&mut b, 10);
    f.emit(op::LoadInt {
        dst: r(0),
        value: Imm32(0),
    });
    f.stop(
        op::Receive {
            dst: OptionalRegister(4),
            channel: r(0),
            ty: chan,
        },
        &[],
    );
    f.emit(op::Return {});
    b.main(f.finish(&[], 16));
    b
}

#[test]
fn channels_carry_values_between_goroutines() {
    for (size, strings) in [
        (None, false),
        (Some(1), false),
        (Some(64), false),
        (None, true),
        (Some(3), true),
    ] {
        let (exit, output) = run_everywhere(&producer_consumer(size, strings));
        let sum = if strings { 500 * 6 } else { 499 * 500 / 2 };
        assert_eq!(
            output,
            format!("{sum}\n0\n"),
            "size {size:?}, strings {strings}"
        );
        assert_eq!(exit.status, 2);
        assert!(
            exit.message.starts_with("fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive (nil chan)]:\nmain.main()\n"),
            "{}",
            exit.message
        );
    }
}

#[test]
fn select_takes_what_is_ready() {
    let mut b = Builder::new();
    let int = b.known.int;
    let chan = b.channel(int);
    let mut f = Code::new(0);
    let live = [(0, SlotKind::Ref), (1, SlotKind::Ref)];
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(1),
    });
    f.stop(
        op::MakeChannel {
            dst: r(0),
            size: OptionalRegister(2),
            ty: chan,
        },
        &[],
    );
    f.stop(
        op::MakeChannel {
            dst: r(1),
            size: OptionalRegister(2),
            ty: chan,
        },
        &[(0, SlotKind::Ref)],
    );
    f.emit(op::LoadInt {
        dst: r(3),
        value: Imm32(77),
    });
    for _ in 0..3 {
        // First: only the send is ready; second: only the receive; third: the default of a select of one full channel.
        f.stop(
            op::Select {
                dst: r(10),
                count: Count(2),
                has_default: Count(1),
            },
            &live,
        );
        f.emit(op::SelectSend {
            channel: r(0),
            src: Run(3),
            ty: chan,
        });
        f.emit(op::SelectReceive {
            channel: r(1),
            dst: OptionalRegister(4),
            ok: OptionalRegister(5),
            ty: chan,
        });
        f.print(&mut b, 10);
    }
    f.stop(
        op::Send {
            channel: r(1),
            src: Run(3),
            ty: chan,
        },
        &live,
    );
    f.stop(
        op::Select {
            dst: r(10),
            count: Count(2),
            has_default: Count(0),
        },
        &live,
    );
    f.emit(op::SelectSend {
        channel: r(0),
        src: Run(3),
        ty: chan,
    });
    f.emit(op::SelectReceive {
        channel: r(1),
        dst: OptionalRegister(4),
        ok: OptionalRegister(5),
        ty: chan,
    });
    f.print(&mut b, 10);
    f.emit(op::Move {
        dst: r(10),
        src: r(4),
    });
    f.print(&mut b, 10);
    f.emit(op::CloseChannel { channel: r(0) });
    f.stop(
        op::Select {
            dst: r(10),
            count: Count(1),
            has_default: Count(0),
        },
        &live,
    );
    f.emit(op::SelectSend {
        channel: r(0),
        src: Run(3),
        ty: chan,
    });
    f.emit(op::Return {});
    b.main(f.finish(&[], 20));
    b.text_of_panics();
    let (exit, output) = run_everywhere(&b);
    assert_eq!(output, "0\n-1\n-1\n1\n77\n");
    assert!(
        exit.message.starts_with("panic: send on closed channel\n"),
        "{}",
        exit.message
    );
}

#[test]
fn an_endless_loop_starves_nobody() {
    let mut b = Builder::new();
    let forever = b.declare("main.forever");
    let mut f = Code::new(0);
    let top = f.asm.new_label();
    f.asm.bind(top);
    f.stop_jump(op::Loop { to: Jump32(0) }, top, &[]);
    b.define(forever, f.finish(&[], 2));
    let mut f = Code::new(0);
    for _ in 0..3 {
        f.emit(op::LoadFunction {
            dst: r(0),
            function: forever,
        });
        f.stop(
            op::Go {
                window: Window(4),
                closure: r(0),
                count: Count(0),
            },
            &[],
        );
    }
    for _ in 0..3 {
        f.native(&mut b, "test.yield", 8, &[]);
    }
    f.emit(op::LoadInt {
        dst: r(8),
        value: Imm32(1),
    });
    f.print(&mut b, 8);
    f.emit(op::Return {});
    b.main(f.finish(&[], 16));
    for processors in [1, 2] {
        let (exit, output) = b.run(VmOptions {
            processors: Some(processors),
            ..VmOptions::default()
        });
        assert_eq!((exit.status, output.as_str()), (0, "1\n"));
    }
}

#[test]
fn natives_of_all_modes_deliver_results() {
    let mut b = Builder::new();
    let text = b.string("hello");
    let mut f = Code::new(0);
    f.emit(op::LoadString {
        dst: Pair(8),
        value: text,
    });
    f.native(&mut b, "test.twice", 8, &[(8, SlotKind::Ref)]);
    f.emit(op::MovePair {
        dst: Pair(2),
        src: Pair(8),
    });
    f.native(
        &mut b,
        "test.length",
        8,
        &[(2, SlotKind::Ref), (8, SlotKind::Ref)],
    );
    f.print(&mut b, 8);
    f.emit(op::LoadInt {
        dst: r(8),
        value: Imm32(1_000_000),
    });
    f.native(&mut b, "test.sleep", 8, &[(2, SlotKind::Ref)]);
    f.print(&mut b, 8);
    f.native(&mut b, "test.collect", 8, &[(2, SlotKind::Ref)]);
    f.emit(op::Move {
        dst: r(8),
        src: r(3),
    });
    f.print(&mut b, 8);
    f.emit(op::LoadInt {
        dst: r(8),
        value: Imm32(3),
    });
    f.native(&mut b, "test.exit", 8, &[]);
    f.emit(op::Return {});
    b.main(f.finish(&[], 20));
    assert_eq!(
        run_everywhere(&b),
        (
            Exit {
                status: 3,
                message: String::new(),
                out_of_memory: false,
                limit: None,
                crashes: false,
            },
            "10\n5\n10\n".into()
        )
    );
}

#[test]
fn goexit_runs_deferred_calls_and_main_may_end_so() {
    let mut b = Builder::new();
    let rec = recoverer(&mut b);
    let leaving = deferring(&mut b, "main.leaving", rec, |b, f| {
        f.native(b, "test.goexit", 8, &[]);
    });
    let mut f = Code::new(0);
    f.stop(
        op::Call {
            window: Window(4),
            function: leaving,
        },
        &[],
    );
    f.print(&mut b, 4);
    f.emit(op::Return {});
    b.main(f.finish(&[], 16));
    let (exit, output) = run_everywhere(&b);
    assert_eq!(output, "0\n");
    assert!(
        exit.message
            .starts_with("fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n"),
        "{}",
        exit.message
    );
}

#[test]
fn bad_programs_are_refused() {
    let mut b = Builder::new();
    let mut f = Code::new(0);
    f.emit(op::Move {
        dst: r(99),
        src: r(0),
    });
    f.emit(op::Return {});
    b.main(f.finish(&[], 4));
    assert!(matches!(
        b.link(VmOptions::default()),
        Err(LinkError::Verify(_))
    ));
    let mut b = Builder::new();
    let mut f = Code::new(0);
    f.native(&mut b, "test.unknown", 4, &[]);
    f.emit(op::Return {});
    b.main(f.finish(&[], 8));
    assert!(matches!(
        b.link(VmOptions::default()),
        Err(LinkError::MissingNative(_))
    ));
}
