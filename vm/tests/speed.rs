//! Times of small programs, to be looked at by people: `cargo test --release -p golite-vm --test speed -- --ignored --nocapture`.

mod program;

use bytecode::*;
use golite_vm::VmOptions;
use program::*;

/// CPU time of the process: other work on the machine disturbs it less than the clock.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

fn time(name: &str, b: &Builder) {
    let mut best = f64::MAX;
    for _ in 0..3 {
        let start = cpu_seconds();
        let (exit, _) = b.run(VmOptions {
            processors: Some(1),
            ..VmOptions::default()
        });
        assert_eq!(exit.status, 0, "{}", exit.message);
        best = best.min(cpu_seconds() - start);
    }
    println!("{name}: {best:.3} s");
}

#[test]
#[ignore = "a measurement"]
fn fib_35() {
    let mut b = Builder::new();
    let fib = fib(&mut b);
    let mut f = Code::new(0);
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(35),
    });
    f.stop(
        op::Call {
            window: Window(2),
            function: fib,
        },
        &[],
    );
    f.emit(op::Return {});
    b.main(f.finish(&[], 16));
    time("fib(35)", &b);
}

#[test]
#[ignore = "a measurement"]
fn nested_loops() {
    let mut b = Builder::new();
    let mut f = Code::new(0);
    f.emit(op::LoadInt {
        dst: r(0),
        value: Imm32(0),
    });
    f.emit(op::LoadInt {
        dst: r(1),
        value: Imm32(0),
    });
    f.emit(op::LoadInt {
        dst: r(3),
        value: Imm32(10_000),
    });
    let outer = f.asm.new_label();
    f.asm.bind(outer);
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(0),
    });
    let inner = f.asm.new_label();
    f.asm.bind(inner);
    f.emit(op::XorInt {
        dst: r(4),
        a: r(1),
        b: r(2),
    });
    f.emit(op::AddInt {
        dst: r(0),
        a: r(0),
        b: r(4),
    });
    f.stop_jump(
        op::ForLtInt {
            a: r(2),
            b: r(3),
            to: Jump16(0),
        },
        inner,
        &[],
    );
    f.stop_jump(
        op::ForLtInt {
            a: r(1),
            b: r(3),
            to: Jump16(0),
        },
        outer,
        &[],
    );
    f.emit(op::Return {});
    b.main(f.finish(&[], 8));
    time("nested loops, 10^8", &b);
}

#[test]
#[ignore = "a measurement"]
fn sieve() {
    let mut b = Builder::new();
    let bytes = b.known.byte_slice;
    let mut f = Code::new(0);
    let live = [(0, SlotKind::Ref)];
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(2_000_000),
    });
    f.stop(
        op::MakeSlice {
            dst: Pair(0),
            length: r(2),
            capacity: OptionalRegister(u16::MAX),
            ty: bytes,
        },
        &[],
    );
    f.emit(op::LoadInt {
        dst: r(6),
        value: Imm32(0),
    });
    f.emit(op::LoadInt {
        dst: r(7),
        value: Imm32(1),
    });
    let again = f.asm.new_label();
    f.asm.bind(again);
    f.emit(op::ClearSlice {
        slice: Pair(0),
        ty: bytes,
    });
    f.emit(op::LoadInt {
        dst: r(3),
        value: Imm32(2),
    });
    let (next, outer) = (f.asm.new_label(), f.asm.new_label());
    f.asm.bind(outer);
    f.emit(op::SliceGetUint8 {
        dst: r(4),
        slice: Pair(0),
        index: r(3),
    });
    f.jump(
        op::JumpIfTrue {
            a: r(4),
            to: Jump32(0),
        },
        next,
    );
    f.emit(op::AddInt {
        dst: r(5),
        a: r(3),
        b: r(3),
    });
    f.jump(
        op::JumpIfLeInt {
            a: r(2),
            b: r(5),
            to: Jump16(0),
        },
        next,
    );
    let inner = f.asm.new_label();
    f.asm.bind(inner);
    f.emit(op::SliceSet8 {
        src: r(7),
        slice: Pair(0),
        index: r(5),
    });
    f.emit(op::AddInt {
        dst: r(5),
        a: r(5),
        b: r(3),
    });
    f.stop_jump(
        op::LoopIfLtInt {
            a: r(5),
            b: r(2),
            to: Jump16(0),
        },
        inner,
        &live,
    );
    f.asm.bind(next);
    f.stop_jump(
        op::ForLtInt {
            a: r(3),
            b: r(2),
            to: Jump16(0),
        },
        outer,
        &live,
    );
    f.stop_jump(
        op::ForLtIntImm {
            a: r(6),
            value: Imm16(10),
            to: Jump16(0),
        },
        again,
        &live,
    );
    f.emit(op::Return {});
    b.main(f.finish(&[], 8));
    time("sieve, 10 times 2 million", &b);
}

#[test]
#[ignore = "a measurement"]
fn allocation() {
    let mut b = Builder::new();
    let int = b.known.int;
    let mut f = Code::new(0);
    f.emit(op::LoadInt {
        dst: r(1),
        value: Imm32(0),
    });
    f.emit(op::LoadInt {
        dst: r(2),
        value: Imm32(50_000_000),
    });
    let body = f.asm.new_label();
    f.asm.bind(body);
    f.emit(op::New { dst: r(0), ty: int });
    f.stop_jump(
        op::ForLtInt {
            a: r(1),
            b: r(2),
            to: Jump16(0),
        },
        body,
        &[(0, SlotKind::Ref)],
    );
    f.emit(op::Return {});
    b.main(f.finish(&[], 8));
    time("50 million small objects", &b);
}

#[test]
#[ignore = "a measurement"]
fn ping_pong() {
    let mut b = Builder::new();
    let int = b.known.int;
    let chan = b.channel(int);
    let echo = b.declare("main.echo");
    let live = [(0, SlotKind::Ref), (1, SlotKind::Ref)];
    let mut f = Code::new(2);
    let top = f.asm.new_label();
    f.asm.bind(top);
    f.stop(
        op::Receive {
            dst: OptionalRegister(2),
            channel: r(0),
            ty: chan,
        },
        &live,
    );
    f.stop(
        op::Send {
            channel: r(1),
            src: Run(2),
            ty: chan,
        },
        &live,
    );
    f.stop_jump(op::Loop { to: Jump32(0) }, top, &live);
    b.define(echo, f.finish(&[SlotKind::Ref, SlotKind::Ref], 4));
    let mut f = Code::new(0);
    f.emit(op::MakeChannel {
        dst: r(0),
        size: OptionalRegister(u16::MAX),
        ty: chan,
    });
    f.emit(op::MakeChannel {
        dst: r(1),
        size: OptionalRegister(u16::MAX),
        ty: chan,
    });
    f.emit(op::LoadFunction {
        dst: r(2),
        function: echo,
    });
    f.emit(op::MovePair {
        dst: Pair(8),
        src: Pair(0),
    });
    f.stop(
        op::Go {
            window: Window(8),
            closure: r(2),
            count: Count(2),
        },
        &live,
    );
    f.emit(op::LoadInt {
        dst: r(3),
        value: Imm32(0),
    });
    f.emit(op::LoadInt {
        dst: r(4),
        value: Imm32(1_000_000),
    });
    let top = f.asm.new_label();
    f.asm.bind(top);
    f.stop(
        op::Send {
            channel: r(0),
            src: Run(3),
            ty: chan,
        },
        &live,
    );
    f.stop(
        op::Receive {
            dst: OptionalRegister(5),
            channel: r(1),
            ty: chan,
        },
        &live,
    );
    f.stop_jump(
        op::ForLtInt {
            a: r(3),
            b: r(4),
            to: Jump16(0),
        },
        top,
        &live,
    );
    f.emit(op::Return {});
    b.main(f.finish(&[], 16));
    time("a million round trips", &b);
}
