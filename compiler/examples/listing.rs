//! Prints the bytecode of a program: `cargo run -p golite-compiler --example listing FILE`.

#[path = "../tests/support/mod.rs"]
mod support;

fn main() {
    for name in std::env::args().skip(1) {
        match std::fs::read_to_string(&name)
            .map_err(|error| error.to_string())
            .and_then(|text| support::compile(&name, &text))
        {
            Ok(program) => match bytecode::verify::program(&program) {
                Ok(()) => println!("{}", support::listing(&program)),
                Err(error) => println!("{name}: {error}\n{}", support::listing(&program)),
            },
            Err(error) => eprintln!("{name}: {error}"),
        }
    }
}
