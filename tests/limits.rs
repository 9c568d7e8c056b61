//! Memory bombs under `--max-heap`, and requests that cannot be granted: each ends as Go does when there is no memory, with the line
//! and a trace, and takes no more than it may.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const LIMIT_MIB: u64 = 64;
/// The process itself, its code and the compiler's work included.
const BESIDES_MIB: u64 = 24;

struct Outcome {
    output: Output,
    peak_kib: Option<u64>,
}

/// Writes the program to a file of its own and runs it.
fn run(name: &str, text: &str, flags: &[&str]) -> Outcome {
    run_with(name, text, flags, "")
}

/// As [`run`], with settings for `GOLITEDEBUG`.
fn run_with(name: &str, text: &str, flags: &[&str], debug: &str) -> Outcome {
    let folder = std::env::temp_dir().join(format!("golite-limits-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let file = folder.join(format!("{name}.gl"));
    std::fs::write(&file, format!("package main\n{text}\n")).expect("a file to write");
    let mut command = Command::new(env!("CARGO_BIN_EXE_golite"));
    if !debug.is_empty() {
        command.env("GOLITEDEBUG", debug);
    }
    let mut child = command
        .arg("run")
        .args(flags)
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("golite runs");
    // What bombs print fits the pipes. The peak stands in /proc as long as the process is there.
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = None;
    let begin = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak_kib = peak_kib.max(line.and_then(|line| {
            let number = line.trim().strip_suffix(" kB")?;
            number.parse().ok()
        }));
        if begin.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
            panic!("{name} goes on and on");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().expect("a child");
    let _ = std::fs::remove_file(&file);
    Outcome { output, peak_kib }
}

/// Checks that a program ends for want of memory, at `place`, within bounds.
fn bomb(name: &str, place: &str, text: &str) {
    let limit = format!("--max-heap={LIMIT_MIB}M");
    let outcome = run(name, text, &[&limit]);
    let stderr = String::from_utf8_lossy(&outcome.output.stderr);
    assert_eq!(outcome.output.status.code(), Some(2), "{name}: {stderr}");
    let mut lines = stderr.lines();
    let first = lines.next().unwrap_or_default();
    assert!(
        first.starts_with("runtime: out of memory: cannot allocate ")
            && first.ends_with(" in use)"),
        "{name}: {stderr}"
    );
    let limit = format!("runtime: memory is limited to {} bytes", LIMIT_MIB << 20);
    assert_eq!(lines.next(), Some(&*limit), "{name}: {stderr}");
    assert_eq!(lines.next(), Some("fatal error: out of memory"), "{name}");
    assert!(
        stderr.contains("goroutine ") && stderr.contains(place),
        "{name}: no {place} in {stderr}"
    );
    if let Some(peak) = outcome.peak_kib {
        let most = (LIMIT_MIB * 9 / 8 + BESIDES_MIB) << 10;
        assert!(peak <= most, "{name}: {peak} KiB, more than {most}");
    }
}

macro_rules! bombs {
    ($($name:ident at $place:literal: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            bomb(stringify!($name), $place, $text);
        }
    )*};
}

/// Row L4 of the list of hostile inputs: what grows without end.
mod l4 {
    use super::bomb;

    bombs! {
        growing_slice at "growing_slice.gl:2": "func main() { var s []int; for { s = append(s, 1) } }";
        growing_map at "growing_map.gl:2": "func main() { m := map[int]int{}; for i := 0; ; i++ { m[i] = i } }";
        doubled_string at "doubled_string.gl:2": "func main() { s := \"x\"; for { s += s } }";
        many_strings at "many_strings.gl:2":
            "func main() { s := \"x\"; var all []string; for { s += \"y\"; all = append(all, s) } }";
        repeated_strings at "repeated_strings.gl:3":
            "import \"strings\"\nfunc main() { var all []string; for { all = append(all, strings.Repeat(\"abc\", 100000)) } }";
        one_long_string at "one_long_string.gl:3":
            "import \"strings\"\nfunc main() { println(len(strings.Repeat(\"abc\", 1000000000))) }";
        joined_strings at "joined_strings.gl:3":
            "import \"strings\"\nfunc main() { println(len(strings.Join(make([]string, 1000), strings.Repeat(\"x\", 1000000)))) }";
        replaced_string at "replaced_string.gl:3":
            "import \"strings\"\nfunc main() { s := strings.Repeat(\"a\", 100000); println(len(strings.ReplaceAll(s, \"a\", s))) }";
        split_string at "split_string.gl:3":
            "import \"strings\"\nfunc main() { println(len(strings.Split(strings.Repeat(\"a,\", 10000000), \",\"))) }";
        formatted_strings at "formatted_strings.gl:3":
            "import \"fmt\"\nfunc main() { var all []string; for { all = append(all, fmt.Sprintf(\"%100000d\", 1)) } }";
        bytes_buffer at "bytes_buffer.gl:3":
            "import \"bytes\"\nfunc main() { var b bytes.Buffer; for { b.WriteString(\"hello, world\") } }";
        string_builder at "string_builder.gl:3":
            "import \"strings\"\nfunc main() { var b strings.Builder; for { b.WriteString(\"hello, world\") } }";
        many_closures at "many_closures.gl:3":
            "var all []func() int\nfunc main() { for i := 0; ; i++ { all = append(all, func() int { return i }) } }";
        boxed_values at "boxed_values.gl:2": "func main() { var all []any; for i := 0; ; i++ { all = append(all, [3]int{i}) } }";
        linked_list at "linked_list.gl:3":
            "type node struct { next *node; more [5]int }\nfunc main() { var l *node; for { l = &node{next: l} } }";
        channel_buffers at "channel_buffers.gl:2": "func main() { var all []chan int; for { all = append(all, make(chan int, 1000)) } }";
        many_goroutines at "many_goroutines.gl:2": "func main() { for { go func() { select {} }() } }";
        deferred_calls at "deferred_calls.gl:2": "func main() { for i := 0; ; i++ { defer println(i) } }";
        deep_recursion at "deep_recursion.gl:2": "func f(n int) int { return f(n+1) + 1 }\nfunc main() { f(0) }";
        nested_panics at "nested_panics.gl:2": "func f() { defer f(); panic(1) }\nfunc main() { f() }";
        runes at "runes.gl:3": "import \"strings\"\nfunc main() { println(len([]rune(strings.Repeat(\"a\", 20000000)))) }";
        timers at "timers.gl:3": "import \"time\"\nfunc main() { for { time.AfterFunc(time.Hour, func() {}) } }";
        kept_timers at "kept_timers.gl:3":
            "import \"time\"\nfunc main() { var all []*time.Timer; for { all = append(all, time.NewTimer(time.Hour)) } }";
        unpacked_file at "unpacked_file.gl:3":
            "import (\"bytes\"; \"compress/gzip\"; \"io\")\nfunc main() { var b bytes.Buffer; z := gzip.NewWriter(&b); zero := make([]byte, 1<<20); for i := 0; i < 100; i++ { z.Write(zero) }; z.Close(); r, _ := gzip.NewReader(&b); data, _ := io.ReadAll(r); println(len(data)) }";
        template_loop at "template_loop.gl:3":
            "import (\"bytes\"; \"text/template\")\nfunc main() { var b bytes.Buffer; t := template.Must(template.New(\"t\").Parse(\"{{range .}}{{range $}}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{end}}{{end}}\")); t.Execute(&b, make([]int, 10000)) }";
        quoted_string at "quoted_string.gl:3":
            "import (\"strconv\"; \"strings\")\nfunc main() { println(len(strconv.Quote(strings.Repeat(\"\\x01\", 20000000)))) }";
        escaped_text at "escaped_text.gl:3":
            "import (\"html\"; \"strings\")\nfunc main() { println(len(html.EscapeString(strings.Repeat(\"<\", 20000000)))) }";
        large_letters at "large_letters.gl:3":
            "import \"strings\"\nfunc main() { s := strings.Repeat(\"é\", 20000000); println(len(strings.ToUpper(s))) }";
        written_json at "written_json.gl:3":
            "import (\"encoding/json\"; \"strings\")\nfunc main() { b, err := json.Marshal(strings.Repeat(\"<\", 12000000)); println(len(b), err) }";
        large_number at "large_number.gl:3":
            "import \"math/big\"\nfunc main() { println(new(big.Int).Lsh(big.NewInt(1), 1000000000).BitLen()) }";
    }
}

/// What dies is collected before memory is refused, however large it is.
#[test]
fn garbage_never_counts() {
    let programs = [
        (
            "slices",
            "func main() { for i := 0; i < 40; i++ { b := make([]byte, 40<<20); b[i] = 1; b[len(b)-1] = 1 } }",
        ),
        (
            "buffers",
            "func main() { m := map[int][]byte{}; for i := 0; i < 3000; i++ { b := make([]byte, 1<<20); b[i] = 1; m[i%30] = b } }",
        ),
        (
            "repeated",
            "import \"strings\"\nfunc main() { s := \"\"; for i := 0; i < 30; i++ { s = strings.Repeat(\"abc\", 5000000) }; _ = s }",
        ),
        (
            "appended",
            "func main() { for i := 0; i < 20; i++ { var s []int; for j := 0; j < 1000000; j++ { s = append(s, j) } } }",
        ),
        (
            "goroutines",
            "func main() { c := make(chan int); for i := 0; i < 3000; i++ { go func() { b := make([]int, 10000); c <- len(b) }(); <-c } }",
        ),
        (
            "recursions",
            "func f(n int) int { if n == 0 { return 0 }; return f(n-1) + 1 }\nfunc main() { for i := 0; i < 20; i++ { c := make(chan int); go func() { c <- f(200000) }(); <-c } }",
        ),
    ];
    let limit = format!("--max-heap={LIMIT_MIB}M");
    for (name, text) in programs {
        let outcome = run(name, text, &[&limit]);
        let stderr = String::from_utf8_lossy(&outcome.output.stderr);
        assert!(outcome.output.status.success(), "{name}: {stderr}");
    }
}

/// Row L5: one huge request. Without a limit as well, requests that no machine grants are not even tried.
#[test]
fn l5_impossible_requests_end_as_in_go() {
    let fatal = "fatal error: out of memory\n";
    let programs = [
        ("n := 1 << 45; _ = make([]byte, n)", fatal),
        (
            "n := 1 << 45; defer func() { recover() }(); _ = make([]int, n)",
            fatal,
        ),
        (
            "n := 1 << 33; defer func() { recover() }(); _ = make([]int, 0, n<<8)",
            fatal,
        ),
        ("n := 1 << 44; _ = make(chan int, n)", fatal),
        ("n := 1 << 45; var b bytes.Buffer; b.Grow(n)", fatal),
        ("n := 1 << 45; var b strings.Builder; b.Grow(n)", fatal),
        ("n := 1 << 45; _ = strings.Repeat(\"x\", n)", fatal),
        (
            "n := 1 << 62; _ = make([]byte, n)",
            "panic: runtime error: makeslice: len out of range\n",
        ),
        (
            "n := 1 << 62; _ = make([]byte, 0, n)",
            "panic: runtime error: makeslice: cap out of range\n",
        ),
        (
            "n := 1 << 62; _ = make(chan int, n)",
            "panic: makechan: size out of range\n",
        ),
        (
            "n := 1 << 62; _ = strings.Repeat(\"x\", n)",
            "panic: runtime error: makeslice: len out of range\n",
        ),
        (
            "n := 1 << 62; _ = strings.Repeat(\"xyz\", n)",
            "panic: strings: Repeat output length overflow\n",
        ),
        ("n := 1 << 62; m := make(map[int]int, n); m[1] = 1", ""),
        ("n := 1 << 50; m := make(map[int]int, n); m[1] = 1", ""),
        (
            "n := 1 << 62; var b bytes.Buffer; b.Grow(n)",
            "panic: bytes.Buffer: too large\n",
        ),
    ];
    for (number, (text, expected)) in programs.iter().enumerate() {
        let text = format!(
            "import (\"bytes\"; \"strings\")\nvar _ bytes.Buffer\nvar _ strings.Builder\nfunc main() {{ {text} }}"
        );
        let outcome = run(&format!("impossible{number}"), &text, &[]);
        let stderr = String::from_utf8_lossy(&outcome.output.stderr);
        if expected.is_empty() {
            assert!(outcome.output.status.success(), "{text}: {stderr}");
        } else {
            assert!(stderr.contains(expected), "{text}: {stderr}");
            assert_eq!(outcome.output.status.code(), Some(2), "{text}");
        }
        assert!(
            outcome.peak_kib.is_none_or(|peak| peak < 100 << 10),
            "{text}"
        );
    }
}

/// Row L5 again: what is refused with an error or in the text, or needs less than it seems. Each prints what it does in Go.
#[test]
fn l5_huge_requests_of_the_library_are_answered() {
    let programs = [
        (
            "formats",
            "import \"fmt\"\nfunc main() { fmt.Print(len(fmt.Sprintf(\"%2000000000d\", 1)), len(fmt.Sprintf(\"%.2000000000f\", 1.5)), fmt.Sprintf(\"%*d\", 2000000000, 7)) }",
            "25 31%!(BADWIDTH)7",
        ),
        (
            "json",
            "import (\"encoding/json\"; \"fmt\"; \"strings\")\nfunc main() { var v any; fmt.Print(json.Unmarshal([]byte(strings.Repeat(\"[\", 1000000)), &v)) }",
            "exceeded max depth",
        ),
        (
            "repetitions",
            "import (\"fmt\"; \"regexp\")\nfunc main() { _, err := regexp.Compile(\"((a{1000}){1000}){1000}\"); fmt.Print(err) }",
            "error parsing regexp: invalid repeat count: `{1000}`",
        ),
        (
            "backtracking",
            "import (\"fmt\"; \"regexp\"; \"strings\")\nfunc main() { fmt.Print(regexp.MustCompile(\"(a*)*b\").MatchString(strings.Repeat(\"a\", 1000000))) }",
            "false",
        ),
        (
            "templates",
            "import (\"fmt\"; \"os\"; \"strings\"; \"text/template\")\nfunc main() { t := template.Must(template.New(\"t\").Parse(`{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}`)); fmt.Print(strings.Contains(t.Execute(os.Stdout, nil).Error(), \"exceeded maximum template depth (100000)\")) }",
            "true",
        ),
    ];
    for (name, text, expected) in programs {
        let outcome = run(name, text, &["--max-heap=128M"]);
        let stderr = String::from_utf8_lossy(&outcome.output.stderr);
        assert!(outcome.output.status.success(), "{name}: {stderr}");
        let stdout = String::from_utf8_lossy(&outcome.output.stdout);
        assert_eq!(stdout, expected, "{name}");
    }
}

/// Endless recursion is Go's stack overflow, and takes neither long nor twice the stack.
#[test]
fn endless_recursion_overflows_the_stack() {
    let outcome = run(
        "overflow",
        "func f(n int) int { return f(n+1) + 1 }\nfunc main() { f(0) }",
        &[],
    );
    let stderr = String::from_utf8_lossy(&outcome.output.stderr);
    assert!(
        stderr.starts_with("runtime: goroutine stack exceeds 1000000000-byte limit\n"),
        "{stderr}"
    );
    assert!(stderr.contains("fatal error: stack overflow"), "{stderr}");
    assert!(outcome.peak_kib.is_none_or(|peak| peak < 800 << 10));
}

/// A program and the function `resident`, which says how many KiB of memory the process takes; it imports os, strconv and strings.
#[cfg(target_os = "linux")]
fn with_resident(program: &str) -> String {
    let function = r#"
func resident() int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return pages * 4
}
"#;
    format!("{program}{function}")
}

/// The numbers that a program has printed.
#[cfg(target_os = "linux")]
fn numbers_of(output: &str) -> Vec<u64> {
    output
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// Prints, in KiB, what the process takes at two times: of a spike that is over, of a million goroutines that have ended.
#[cfg(target_os = "linux")]
#[test]
fn memory_that_is_not_needed_goes_back_to_the_system() {
    let program = r#"
import ("fmt"; "os"; "runtime"; "runtime/debug"; "strings"; "time"; "strconv")

func spike(n int) int {
	var all [][]int
	for i := 0; i < n; i++ {
		b := make([]int, 1000)
		for j := 0; j < len(b); j += 100 {
			b[j] = i
		}
		all = append(all, b)
	}
	return len(all)
}

func goroutines(n int) {
	done := make(chan bool)
	for i := 0; i < n; i++ {
		go func() { done <- true }()
		if i%1000 == 999 {
			for j := 0; j < 1000; j++ {
				<-done
			}
		}
	}
}

func main() {
	spike(100)
	goroutines(10000)
	debug.FreeOSMemory()
	start := resident()
	spike(12000)
	full := resident()
	runtime.GC()
	for i := 0; i < 50 && resident()-start > (full-start)/10; i++ {
		time.Sleep(100 * time.Millisecond)
	}
	after := resident()
	spike(12000)
	debug.FreeOSMemory()
	freed := resident()
	goroutines(300000)
	runtime.GC()
	time.Sleep(1500 * time.Millisecond)
	few := resident()
	goroutines(1000000)
	runtime.GC()
	for i := 0; i < 50 && resident() > few*11/10; i++ {
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Println(start, full, after, freed, few, resident())
}
"#;
    let outcome = run("scavenge", &with_resident(program), &[]);
    let stdout = String::from_utf8_lossy(&outcome.output.stdout);
    let numbers = numbers_of(&stdout);
    let stderr = String::from_utf8_lossy(&outcome.output.stderr);
    let [start, full, after, freed, few, ended] = numbers[..] else {
        panic!("{stdout}{stderr}");
    };
    assert!(full > start + (80 << 10), "{stdout}");
    assert!(after - start.min(after) <= (full - start) / 10, "{stdout}");
    assert!(freed - start.min(freed) <= (full - start) / 10, "{stdout}");
    // A fixed part on top for what threads keep.
    assert!(ended <= few * 11 / 10 + 2048, "{stdout}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_burst_of_goroutines_takes_goes_back_to_the_system() {
    let program = r#"
import ("fmt"; "os"; "runtime"; "strconv"; "strings"; "sync"; "time")

func main() {
	start := resident()
	var group sync.WaitGroup
	gate := make(chan bool)
	for i := 0; i < 300_000; i++ {
		group.Go(func() { <-gate })
	}
	for runtime.NumGoroutine() < 300_001 {
		time.Sleep(time.Millisecond)
	}
	full := resident()
	close(gate)
	group.Wait()
	// On a machine that has nothing else to do it takes four seconds.
	for i := 0; i < 300 && resident() - start > (full - start) / 10; i++ {
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Println(start, full, resident())
}
"#;
    let outcome = run("burst", &with_resident(program), &[]);
    let stdout = String::from_utf8_lossy(&outcome.output.stdout);
    let numbers = numbers_of(&stdout);
    let stderr = String::from_utf8_lossy(&outcome.output.stderr);
    let [start, full, ended] = numbers[..] else {
        panic!("{stdout}{stderr}");
    };
    assert!(full > start + (50 << 10), "{stdout}");
    assert!(ended - start.min(ended) <= (full - start) / 10, "{stdout}");
}

#[cfg(target_os = "linux")]
#[test]
fn with_scavenge_what_a_collection_frees_goes_at_once() {
    let program = r#"
import ("fmt"; "os"; "runtime"; "strconv"; "strings")

func spike() int {
	var all [][]int
	for i := 0; i < 8000; i++ {
		b := make([]int, 1000)
		for j := range b {
			b[j] = i
		}
		all = append(all, b)
	}
	return resident()
}

func main() {
	start := resident()
	full := spike()
	runtime.GC()
	fmt.Println(start, full, resident())
}
"#;
    let outcome = run_with("at_once", &with_resident(program), &[], "scavenge=1");
    let stdout = String::from_utf8_lossy(&outcome.output.stdout);
    let stderr = String::from_utf8_lossy(&outcome.output.stderr);
    let numbers = numbers_of(&stdout);
    let [start, full, ended] = numbers[..] else {
        panic!("{stdout}{stderr}");
    };
    assert!(full > start + (40 << 10), "{stdout}");
    assert!(ended - start.min(ended) <= (full - start) / 10, "{stdout}");
}
