//! The table of instructions: packing, labels, verification.

use golite_bytecode::*;

/// Small deterministic generator: the operands need variety, not randomness.
struct Numbers(u64);
impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn every_opcode_survives_encoding_with_any_operands() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    for &opcode in Opcode::ALL {
        for _ in 0..50 {
            let mut words = vec![Word::default(); opcode.words()];
            for word in &mut words {
                let n = numbers.next();
                word.0 = [
                    n as u16,
                    (n >> 16) as u16,
                    (n >> 32) as u16,
                    (n >> 48) as u16,
                ];
            }
            words[0].0[0] = opcode as u16;
            let decoded = Instruction::decode(&words).expect("a whole instruction");
            assert_eq!(decoded.opcode(), opcode);
            let mut again = Vec::new();
            decoded.encode(&mut again);
            assert_eq!(again.len(), opcode.words());
            // Padding is not kept, so compare what is decoded.
            assert_eq!(Instruction::decode(&again), Some(decoded));
        }
    }
}

#[test]
fn hot_instructions_are_one_word() {
    for opcode in [
        Opcode::AddInt,
        Opcode::AddIntImm,
        Opcode::Call,
        Opcode::CallClosure,
        Opcode::CallInterface,
        Opcode::JumpIfLtInt,
        Opcode::LoopIfLtInt,
        Opcode::ForLtInt,
        Opcode::SliceGetWord,
        Opcode::SliceSetWord,
        Opcode::LoadWord,
        Opcode::StoreWord,
        Opcode::Move,
        Opcode::MovePair,
        Opcode::ReturnOne,
    ] {
        assert_eq!(opcode.words(), 1, "{}", opcode.name());
    }
}

fn assemble(build: impl FnOnce(&mut Assembler)) -> Vec<Instruction> {
    let mut assembler = Assembler::new();
    build(&mut assembler);
    let code = assembler.finish().code;
    let mut at = 0;
    let mut out = Vec::new();
    while at < code.len() {
        let instruction = Instruction::decode(&code[at..]).expect("an instruction");
        at += instruction.opcode().words();
        out.push(instruction);
    }
    out
}

#[test]
fn a_near_jump_reaches_forward_and_backward() {
    let code = assemble(|a| {
        let (top, end) = (a.new_label(), a.new_label());
        a.bind(top);
        a.emit_jump(
            op::JumpIfLtInt {
                a: Register(0),
                b: Register(1),
                to: Jump16(0),
            },
            end,
        );
        a.emit_jump(
            op::LoopIfLtInt {
                a: Register(2),
                b: Register(3),
                to: Jump16(0),
            },
            top,
        );
        a.bind(end);
        a.emit(op::Return {});
    });
    assert_eq!(
        code[0],
        op::JumpIfLtInt {
            a: Register(0),
            b: Register(1),
            to: Jump16(1)
        }
        .into()
    );
    assert_eq!(
        code[1],
        op::LoopIfLtInt {
            a: Register(2),
            b: Register(3),
            to: Jump16(-2)
        }
        .into()
    );
}

#[test]
fn a_jump_that_does_not_reach_is_inverted_over_a_far_one() {
    let code = assemble(|a| {
        let end = a.new_label();
        a.emit_jump(
            op::JumpIfLtInt {
                a: Register(0),
                b: Register(1),
                to: Jump16(0),
            },
            end,
        );
        for _ in 0..40_000 {
            a.emit(op::Move {
                dst: Register(0),
                src: Register(1),
            });
        }
        a.bind(end);
        a.emit(op::Return {});
    });
    assert_eq!(
        code[0],
        op::JumpIfLeInt {
            a: Register(1),
            b: Register(0),
            to: Jump16(1)
        }
        .into()
    );
    assert_eq!(code[1], op::Jump { to: Jump32(40_000) }.into());
}

#[test]
fn a_far_counting_loop_keeps_its_safepoint() {
    let code = assemble(|a| {
        let top = a.new_label();
        a.bind(top);
        for _ in 0..40_000 {
            a.emit(op::Move {
                dst: Register(0),
                src: Register(1),
            });
        }
        a.emit_jump(
            op::ForLtInt {
                a: Register(0),
                b: Register(1),
                to: Jump16(0),
            },
            top,
        );
        a.emit(op::Return {});
    });
    let tail = &code[40_000..];
    assert_eq!(
        tail[0],
        op::AddIntImm {
            dst: Register(0),
            a: Register(0),
            value: Imm16(1)
        }
        .into()
    );
    assert_eq!(
        tail[1],
        op::JumpIfLeInt {
            a: Register(1),
            b: Register(0),
            to: Jump16(1)
        }
        .into()
    );
    assert_eq!(
        tail[2],
        op::Loop {
            to: Jump32(-40_003)
        }
        .into()
    );
}

fn one_function(code: &[Instruction], frame_size: u32) -> Program {
    let mut words = Vec::new();
    for instruction in code {
        instruction.encode(&mut words);
    }
    let function = Function {
        name: "main.f".into(),
        code: words,
        frame_size,
        ..Function::default()
    };
    Program {
        functions: vec![function],
        ..Program::default()
    }
}

#[test]
fn the_verifier_accepts_sound_code() {
    let program = one_function(
        &[
            op::Move {
                dst: Register(0),
                src: Register(1),
            }
            .into(),
            op::Return {}.into(),
        ],
        2,
    );
    assert_eq!(verify::program(&program), Ok(()));
}

#[test]
fn the_verifier_refuses_what_the_interpreter_could_not_survive() {
    let r = Register;
    let cases: Vec<(&str, Vec<Instruction>)> = vec![
        (
            "outside a frame",
            vec![
                op::Move {
                    dst: r(2),
                    src: r(0),
                }
                .into(),
                op::Return {}.into(),
            ],
        ),
        (
            "outside a frame",
            vec![
                op::MovePair {
                    dst: Pair(1),
                    src: Pair(0),
                }
                .into(),
                op::Return {}.into(),
            ],
        ),
        (
            "runs off the end",
            vec![
                op::Move {
                    dst: r(0),
                    src: r(1),
                }
                .into(),
            ],
        ),
        (
            "jump to",
            vec![op::Jump { to: Jump32(5) }.into(), op::Return {}.into()],
        ),
        ("jump to", vec![op::Jump { to: Jump32(-2) }.into()]),
        // Into the middle of a two-word instruction.
        (
            "jump to",
            vec![
                op::Jump { to: Jump32(1) }.into(),
                op::LoadConstant {
                    dst: r(0),
                    value: Imm64(0),
                }
                .into(),
                op::Return {}.into(),
            ],
        ),
        (
            "without a safepoint",
            vec![op::Jump { to: Jump32(-1) }.into()],
        ),
        ("no live map", vec![op::Loop { to: Jump32(-1) }.into()]),
        (
            "function 7 of 1",
            vec![
                op::LoadFunction {
                    dst: r(0),
                    function: FunctionId(7),
                }
                .into(),
                op::Return {}.into(),
            ],
        ),
        (
            "no room for the return word",
            vec![
                op::Call {
                    window: Window(1),
                    function: FunctionId(0),
                }
                .into(),
                op::Return {}.into(),
            ],
        ),
        (
            "stray",
            vec![
                op::JumpTableEntry { to: Jump32(0) }.into(),
                op::Return {}.into(),
            ],
        ),
        (
            "are missing",
            vec![
                op::JumpTable {
                    a: r(0),
                    count: Count32(1),
                }
                .into(),
                op::Return {}.into(),
            ],
        ),
    ];
    for (expected, code) in cases {
        let error = verify::program(&one_function(&code, 2)).expect_err(expected);
        assert!(
            error.message.contains(expected),
            "{error} does not say {expected:?}"
        );
    }
    let mut unknown = one_function(&[op::Return {}.into()], 2);
    unknown.functions[0].code[0].0[0] = u16::MAX;
    assert!(verify::program(&unknown).is_err());
}

#[test]
fn a_listing_names_what_it_shows() {
    let program = one_function(
        &[
            op::AddIntImm {
                dst: r0(),
                a: r0(),
                value: Imm16(-3),
            }
            .into(),
            op::Return {}.into(),
        ],
        2,
    );
    let listing = disassemble::program(&program);
    assert!(listing.contains("add_int_imm"), "{listing}");
    assert!(listing.contains("dst=r0, a=r0, value=-3"), "{listing}");
}

fn r0() -> Register {
    Register(0)
}

#[test]
fn the_reference_page_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/instructions.md");
    let page = std::fs::read_to_string(path).expect("docs/instructions.md");
    assert!(
        page == reference::markdown(),
        "docs/instructions.md is stale: cargo xtask docs"
    );
}
