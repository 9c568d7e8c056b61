//! A file from a seed.

use crate::forms::Definition;
use crate::prelude::PRELUDE;
use crate::random::Random;
use crate::types::{INT, Type};
use std::fmt::Write as _;

/// A variable in scope.
#[derive(Clone)]
pub struct Variable {
    pub name: String,
    pub ty: Type,
    /// Loop counters are not assigned.
    pub constant: bool,
}

/// What the body that is being written may do.
#[derive(Clone, Copy, Default)]
pub struct Place {
    pub loops: usize,
    pub depth: usize,
    /// In a function literal of its own: labels and results of the function around are out of reach.
    pub in_literal: bool,
}

pub struct Generator {
    pub random: Random,
    pub text: String,
    pub indent: usize,
    pub variables: Vec<Variable>,
    pub labels: Vec<(String, bool)>,
    pub names: usize,
    /// Statements that may still be written in this function.
    pub budget: usize,
    /// The types that the file declares.
    pub definitions: Vec<Definition>,
    /// Fields named so far: each name is used once.
    pub fields: usize,
}

/// What a function is about.
#[derive(Clone, Copy)]
enum Subject {
    Ordinary,
    Structures,
    Generics,
    Evaluation,
    Constants,
    Library,
    Formats,
    Unwinding,
    Concurrency,
    Kernel,
}

const SUBJECTS: &[Subject] = &[
    Subject::Ordinary,
    Subject::Ordinary,
    Subject::Ordinary,
    Subject::Ordinary,
    Subject::Ordinary,
    Subject::Ordinary,
    Subject::Structures,
    Subject::Structures,
    Subject::Structures,
    Subject::Structures,
    Subject::Generics,
    Subject::Generics,
    Subject::Evaluation,
    Subject::Evaluation,
    Subject::Constants,
    Subject::Library,
    Subject::Library,
    Subject::Formats,
    Subject::Unwinding,
    Subject::Unwinding,
    Subject::Concurrency,
    Subject::Kernel,
    Subject::Kernel,
    Subject::Kernel,
];

/// The text of the file that belongs to a seed.
pub fn file(seed: u64, functions: usize) -> String {
    let mut generator = Generator {
        random: Random::new(seed),
        text: PRELUDE.to_owned(),
        indent: 0,
        variables: Vec::new(),
        labels: Vec::new(),
        names: 0,
        budget: 0,
        definitions: Vec::new(),
        fields: 0,
    };
    generator.define_types(8);
    generator.kernel_declarations();
    generator.initialisation();
    for number in 0..functions {
        match generator.random.pick(SUBJECTS) {
            Subject::Ordinary => generator.function(number),
            subject => generator.subject(number, subject),
        }
    }
    generator.text.push_str("\nfunc last(a int, s string) {\n");
    generator.indent = 1;
    generator.ending();
    generator.indent = 0;
    generator.text.push_str("}\n");
    generator
        .text
        .push_str("\nfunc main() {\n\tdefer out.Flush()\n\tnote(startOrder, initialised)\n");
    for number in 0..functions {
        let _ = writeln!(
            generator.text,
            "\trun(\"f{number}\", func() {{ note(f{number}({}, \"s{number}\")) }})",
            number % 7
        );
    }
    generator
        .text
        .push_str("\tout.Flush()\n\tlast(0, \"end\")\n}\n");
    generator.text
}

impl Generator {
    pub fn line(&mut self, text: &str) {
        for _ in 0..self.indent {
            self.text.push('\t');
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    pub fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    pub fn declare(&mut self, name: String, ty: Type, constant: bool) {
        self.variables.push(Variable { name, ty, constant });
    }

    /// A variable of the type, if there is one.
    pub fn variable(&mut self, ty: Type) -> Option<String> {
        self.find(|variable| variable.ty == ty)
    }

    pub fn assignable(&mut self, ty: Type) -> Option<String> {
        self.find(|variable| variable.ty == ty && !variable.constant)
    }

    pub fn find(&mut self, wanted: impl Fn(&Variable) -> bool) -> Option<String> {
        let names: Vec<&Variable> = self.variables.iter().filter(|v| wanted(v)).collect();
        if names.is_empty() {
            return None;
        }
        let index = self.random.below(names.len());
        Some(names[index].name.clone())
    }

    /// A function about one subject.
    fn subject(&mut self, number: usize, subject: Subject) {
        self.names = 0;
        self.variables.clear();
        self.labels.clear();
        self.text.push('\n');
        let uses = match subject {
            Subject::Generics => self.generic_declarations(number),
            Subject::Constants => self.constant_declarations(number),
            _ => Vec::new(),
        };
        self.line(&format!(
            "func f{number}(a int, s string) (r int, t string) {{"
        ));
        self.indent = 1;
        match subject {
            Subject::Structures => self.structures(),
            Subject::Evaluation => self.evaluation(),
            Subject::Library => self.library(),
            Subject::Formats => self.formats(),
            Subject::Unwinding => self.unwinding(),
            Subject::Concurrency => self.concurrency(),
            Subject::Kernel => self.kernel(),
            Subject::Ordinary | Subject::Generics | Subject::Constants => {
                for text in uses {
                    for line in text.lines() {
                        self.line(line);
                    }
                }
            }
        }
        self.line("return");
        self.indent = 0;
        self.line("}");
    }

    fn function(&mut self, number: usize) {
        self.names = 0;
        self.variables.clear();
        self.labels.clear();
        self.text.push('\n');
        self.line(&format!(
            "func f{number}(a int, s string) (r int, t string) {{"
        ));
        self.indent = 1;
        for (name, ty) in [
            ("a", INT),
            ("s", Type::String),
            ("r", INT),
            ("t", Type::String),
        ] {
            self.declare(name.to_owned(), ty, false);
        }
        self.budget = 24;
        let place = Place::default();
        for _ in 0..5 {
            self.declaration();
        }
        if self.random.chance(40) {
            self.deferred(place);
        }
        let count = 4 + self.random.below(8);
        for _ in 0..count {
            self.statement(place);
        }
        self.print_from(4);
        if self.random.chance(50) {
            self.line("return");
        } else {
            let (n, s) = (self.expression(INT, 2), self.expression(Type::String, 2));
            self.line(&format!("return {n}, {s}"));
        }
        self.indent = 0;
        self.line("}");
    }

    /// Prints the variables from `first` on, so that all are used and all are seen.
    pub fn print_from(&mut self, first: usize) {
        let names: Vec<String> = self.variables[first..]
            .iter()
            .map(|variable| match variable.ty {
                Type::Func => format!("{}(3)", variable.name),
                Type::Shape => format!("{}.Area()", variable.name),
                Type::PointPointer => format!("*{}", variable.name),
                Type::Ints | Type::Rows | Type::Points => {
                    format!("len({0}), {0}[:cut(len({0}), 9)]", variable.name)
                }
                _ => variable.name.clone(),
            })
            .collect();
        for chunk in names.chunks(6) {
            self.line(&format!("note({})", chunk.join(", ")));
        }
    }
}
