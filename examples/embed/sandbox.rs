//! A sandbox: scripts that nobody trusts, each within limits. Whatever they do, the host gets an error and goes on.
//!
//! `cargo run --example embed_sandbox`

use std::time::{Duration, Instant};

use golite::{Error, Golite, Limit};

const HOSTILE: [(&str, &str); 8] = [
    ("a loop", "for {}"),
    ("a sleep", "time.Sleep(time.Hour)"),
    (
        "a recursion",
        "var f func(int) int; f = func(n int) int { return f(n+1) + 1 }; f(0)",
    ),
    (
        "memory",
        "var all []string; for { all = append(all, strings.Repeat(\"x\", 1<<16)) }",
    ),
    ("goroutines", "for { go func() { select {} }() }"),
    (
        "output",
        "for { fmt.Println(strings.Repeat(\"spam\", 100)) }",
    ),
    ("a deadlock", "<-make(chan int)"),
    ("exit", "os.Exit(3)"),
];

pub fn main() -> Result<(), Error> {
    let golite = Golite::new();
    let mut seen = Vec::new();
    for (name, text) in HOSTILE {
        let program = golite.compile(text)?;
        let start = Instant::now();
        let vm = program
            .vm()
            .deadline(Duration::from_secs(1))
            .memory(16 << 20)
            .stack(1 << 20)
            .goroutines(1000)
            .output(1 << 16)
            .start()?;
        let error = match vm.run() {
            Ok(()) => continue,
            Err(error) => error,
        };
        println!("{name}: {error} after {:?}", start.elapsed());
        seen.push(match error.limit() {
            Some(limit) => format!("{limit:?}"),
            None => error
                .to_string()
                .split(':')
                .next()
                .unwrap_or_default()
                .to_owned(),
        });
    }
    let deadline = format!("{:?}", Limit::Deadline);
    assert_eq!(
        seen,
        [
            &deadline,
            &deadline,
            "Stack",
            "Memory",
            "Goroutines",
            "Output",
            "fatal error",
            "exit status 3"
        ]
    );
    // No file, no network, no process is reached unless it was allowed.
    let program = golite.compile(
        "package main\nimport \"os\"\nfunc Read(name string) string { _, err := os.ReadFile(name); return err.Error() }",
    )?;
    let read = program.start()?.func::<(String,), String>("Read");
    // The function does not keep the VM: without a handle it has ended.
    assert!(matches!(
        read?.call(("/etc/passwd".into(),)),
        Err(Error::Closed)
    ));
    let vm = program.start()?;
    let answer = vm
        .func::<(String,), String>("Read")?
        .call(("/etc/passwd".into(),))?;
    assert_eq!(answer, "open /etc/passwd: permission denied");
    println!("{answer}");
    Ok(())
}
