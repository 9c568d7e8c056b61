//! Programs that race, programs in which one goroutine never lets go, programs that talk over sockets, and what the system monitor shows:
//! `tests/race`, `tests/fairness`, `tests/network`.
//!
//! `RACE_MILLISECONDS` sets how long each race lasts (300 if unset).

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Ran {
    stdout: String,
    stderr: String,
    status: Option<i32>,
}

/// After so long a program counts as one that hangs: far more than any takes on a machine that is busy with others.
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs a script with standard input open and silent.
fn run(script: &str, processors: u32, argument: &str) -> Ran {
    run_with(script, processors, argument, "")
}

/// As [`run`], with this `GOLITEDEBUG`.
fn run_with(script: &str, processors: u32, argument: &str, debug: &str) -> Ran {
    let mut child = start(script, processors, argument, debug);
    let stdin = child.stdin.take();
    let end = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().expect("wait") {
            break status;
        }
        if Instant::now() > end {
            child.kill().expect("kill");
            panic!("{script} on {processors} processors did not end in {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    drop(stdin);
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child
        .stdout
        .take()
        .expect("stdout")
        .read_to_string(&mut stdout)
        .expect("text");
    child
        .stderr
        .take()
        .expect("stderr")
        .read_to_string(&mut stderr)
        .expect("text");
    Ran {
        stdout,
        stderr,
        status: status.code(),
    }
}

fn start(script: &str, processors: u32, argument: &str, debug: &str) -> Child {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(script);
    Command::new(env!("CARGO_BIN_EXE_golite"))
        .arg("run")
        .arg(&path)
        .arg(argument)
        .env("GOMAXPROCS", processors.to_string())
        .env("GOLITEDEBUG", debug)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("golite starts")
}

/// Runs a program that goes on until its standard input ends, until `enough` says so of the lines on its standard error.
fn watch(script: &str, debug: &str, mut enough: impl FnMut(&[String]) -> bool) -> Vec<String> {
    let mut child = start(script, 2, "", debug);
    let stdin = child.stdin.take();
    let mut lines = Vec::new();
    // Kept to the end: the program must not find that nobody reads any more.
    let mut errors = BufReader::new(child.stderr.take().expect("stderr"));
    for line in errors.by_ref().lines() {
        lines.push(line.expect("text"));
        if enough(&lines) {
            break;
        }
    }
    drop(stdin);
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .expect("stdout")
        .read_to_string(&mut stdout)
        .expect("text");
    assert_eq!(stdout, "told\n", "{lines:?}");
    child.wait().expect("wait");
    lines
}

fn race(script: &str) -> Vec<Ran> {
    let time = std::env::var("RACE_MILLISECONDS").unwrap_or_else(|_| "300".into());
    race_for(script, &time, &time)
}

/// With one time for one processor and another for several.
fn race_for(script: &str, alone: &str, parallel: &str) -> Vec<Ran> {
    // A collection marks beside them nearly all the time; with `gcstress` it does so in small steps.
    [
        (1, "gcverify=1"),
        (2, "gcverify=1"),
        (4, "gcstress=2,gcverify=1"),
        (4, "concurrentmark=0"),
        (16, ""),
    ]
    .into_iter()
    .map(|(processors, debug)| {
        let time = if processors == 1 { alone } else { parallel };
        run_with(script, processors, time, debug)
    })
    .collect()
}

fn is_never_torn(script: &str) {
    for ran in race(script) {
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert!(ran.stdout.starts_with("torn 0 read true"), "{}", ran.stdout);
    }
}

#[test]
fn a_racing_slice_is_never_torn() {
    is_never_torn("race/slice.gl");
}

#[test]
fn a_racing_string_is_never_torn() {
    is_never_torn("race/string.gl");
}

#[test]
fn a_racing_interface_is_never_torn() {
    is_never_torn("race/interface.gl");
}

#[test]
fn a_racing_function_is_never_torn() {
    is_never_torn("race/func_value.gl");
}

#[test]
fn a_racing_captured_variable_is_never_torn() {
    is_never_torn("race/captured.gl");
}

#[test]
fn a_racing_channel_variable_is_never_torn() {
    is_never_torn("race/channel.gl");
}

#[test]
fn a_racing_append_is_never_torn() {
    is_never_torn("race/append.gl");
}

#[test]
fn a_racing_copy_is_never_torn() {
    is_never_torn("race/copy.gl");
}

#[test]
fn a_racing_type_switch_is_never_torn() {
    is_never_torn("race/type_switch.gl");
}

#[test]
fn a_racing_struct_is_never_torn() {
    is_never_torn("race/struct.gl");
}

#[test]
fn a_racing_weak_pointer_is_never_torn() {
    is_never_torn("race/weak.gl");
}

#[test]
fn a_racing_range_is_never_torn() {
    is_never_torn("race/range.gl");
}

#[test]
fn a_racing_copied_mutex_is_never_torn() {
    is_never_torn("race/mutex_copy.gl");
}

#[test]
fn a_racing_map_of_maps_is_never_torn() {
    is_never_torn("race/map_of_maps.gl");
}

#[test]
fn a_racing_overlapping_copy_is_never_torn() {
    is_never_torn("race/overlap.gl");
}

#[test]
fn a_racing_linked_list_is_never_torn() {
    is_never_torn("race/list.gl");
}

#[test]
fn a_racing_method_value_is_never_torn() {
    is_never_torn("race/method_value.gl");
}

#[test]
fn a_racing_array_is_never_torn() {
    is_never_torn("race/array.gl");
}

#[test]
fn a_racing_select_is_never_torn() {
    is_never_torn("race/select.gl");
}

#[test]
fn a_racing_map_ends_in_the_fatal_error() {
    // It ends when the race is noticed; how soon depends on what else the machine does.
    let runs = race_for("race/map.gl", "300", "500000");
    let (alone, parallel) = runs.split_first().expect("there is a run");
    // On one processor nobody is interrupted within an operation.
    assert!(matches!(alone.status, Some(0 | 2)), "{}", alone.stderr);
    for ran in parallel {
        assert_eq!(ran.status, Some(2), "{}", ran.stderr);
        assert!(
            ran.stderr.starts_with("fatal error: concurrent map "),
            "{}",
            ran.stderr
        );
    }
}

fn starves_nobody(script: &str, expected: &str) {
    let ran = run(script, 1, "");
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout, expected);
}

#[test]
fn an_empty_loop_starves_nobody() {
    starves_nobody("fairness/spin.gl", "the others ran\n");
}

#[test]
fn a_recursion_starves_nobody() {
    starves_nobody("fairness/recursion.gl", "the others ran\n");
}

#[test]
fn a_loop_over_native_calls_starves_nobody() {
    starves_nobody("fairness/natives.gl", "the others ran\n");
}

#[test]
fn a_blocked_read_of_standard_input_holds_nobody_up() {
    starves_nobody("fairness/stdin.gl", "the others ran 20\n");
}

#[test]
fn a_blocked_read_of_a_file_holds_nobody_up() {
    let fifo = std::env::temp_dir().join(format!("golite-fifo-{}", std::process::id()));
    let made = Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .expect("mkfifo starts");
    assert!(made.success());
    let ran = run("fairness/fifo.gl", 1, &fifo.display().to_string());
    std::fs::remove_file(&fifo).expect("the pipe is there");
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout, "the others ran 20\n");
}

#[test]
fn the_monitor_forces_a_collection_when_none_ran_for_the_period() {
    // It goes on until there were some.
    let ran = run_with("fairness/collected.gl", 1, "", "forcegcperiod=20,gctrace=1");
    assert_eq!(ran.stdout, "collected\n", "{}", ran.stderr);
    let collections = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("gc "))
        .count();
    assert!(collections >= 2, "{}", ran.stderr);

    let never = run_with("fairness/idle.gl", 1, "", "forcegcperiod=0,gctrace=1");
    assert_eq!(
        (never.stdout.as_str(), never.stderr.as_str()),
        ("rested\n", "")
    );
    // GO: mgc.go `gcTrigger.test`
    let without = run_with("fairness/uncollected.gl", 1, "", "forcegcperiod=20");
    assert_eq!(without.stdout, "0\n", "{}", without.stderr);
}

#[test]
fn schedtrace_prints_a_line_per_period_and_scheddetail_every_processor() {
    let lines = watch("fairness/told.gl", "schedtrace=50", |lines| {
        lines.len() >= 3
    });
    assert!(lines.len() >= 3, "{lines:?}");
    for line in &lines {
        assert!(
            line.starts_with("SCHED ") && line.contains("gomaxprocs=2 idleprocs="),
            "{line}"
        );
    }
    let parts = ["  P0: status=", "  P1: status=", "  M0: ", "  G1: "];
    let is_there = |lines: &[String], part: &str| lines.iter().any(|line| line.starts_with(part));
    let detail = watch("fairness/told.gl", "schedtrace=50,scheddetail=1", |lines| {
        parts.iter().all(|part| is_there(lines, part))
    });
    for part in parts {
        assert!(is_there(&detail, part), "no {part:?} in\n{detail:?}");
    }
}

#[test]
fn what_many_goroutines_have_taken_goes_back_to_the_system() {
    // It waits until nine tenths are back.
    let ran = run("fairness/spike.gl", 2, "");
    assert_eq!(ran.stdout, "gave back true\n", "{}", ran.stderr);
}

#[test]
fn many_connections_come_and_go() {
    // More where the system lets a process have as many descriptors.
    let count = std::env::var("CONNECTIONS").unwrap_or_else(|_| "400".into());
    for processors in [1, 4] {
        let ran = run("network/many.gl", processors, &count);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(
            ran.stdout,
            "wrong 0 some closed true goroutines 1 few descriptors true\n"
        );
    }
}

#[test]
fn a_connection_is_served_while_every_processor_is_busy() {
    for processors in [1, 2] {
        let ran = run("network/busy.gl", processors, "");
        assert_eq!(ran.stdout, "answered 30\n", "{}", ran.stderr);
    }
}

/// Processor time of a process so far, in ticks of a hundredth of a second, and its voluntary context switches.
fn used(process: u32) -> (u64, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("running");
    let after_name = stat.rsplit(") ").next().expect("fields");
    let ticks = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().expect("a number"))
        .sum();
    let mut switches = 0;
    for task in std::fs::read_dir(format!("/proc/{process}/task")).expect("running") {
        let path = task.expect("a thread").path().join("status");
        let status = std::fs::read_to_string(path).unwrap_or_default();
        switches += status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .and_then(|text| text.trim().parse::<u64>().ok())
            .unwrap_or(0);
    }
    (ticks, switches)
}

#[test]
fn a_program_that_waits_for_a_connection_uses_no_processor() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network/idle.gl");
    let mut child = Command::new(env!("CARGO_BIN_EXE_golite"))
        .arg("run")
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("golite starts");
    let mut line = [0; 6];
    child
        .stdout
        .as_mut()
        .expect("stdout")
        .read_exact(&mut line)
        .expect("it listens");
    // What its start has left to do may take long on a machine that is busy with others. Two seconds at rest are found soon if it rests at all.
    let mut windows = Vec::new();
    while windows.len() < 30 {
        let before = used(child.id());
        std::thread::sleep(Duration::from_secs(2));
        let after = used(child.id());
        windows.push((after.0 - before.0, after.1 - before.1));
        if let Some((0..=1, 0..=20)) = windows.last() {
            break;
        }
    }
    child.kill().expect("kill");
    child.wait().expect("wait");
    assert!(
        windows.len() < 30,
        "hundredths of a second and wake-ups in two seconds each: {windows:?}"
    );
}

/// Runs golite with these words, in the folder of the tests.
fn golite(words: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_golite"))
        .args(words)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .stdin(Stdio::null())
        .output()
        .expect("golite starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_seed_repeats_a_schedule_and_time_is_virtual() {
    for seed in 1..8 {
        let flag = format!("--seed={seed}");
        let run = || golite(&["run", &flag, "schedules/order.gl"]);
        let (one, other) = (run(), run());
        assert_eq!(one.status.code(), other.status.code());
        assert_eq!(text(&one.stdout), text(&other.stdout));
    }
    let ran = golite(&["run", "--schedules", "5", "schedules/fine.gl"]);
    assert_eq!(text(&ran.stdout), "45\n");
    assert_eq!(text(&ran.stderr), "golite: 5 schedules, all alike\n");
}

#[test]
fn many_schedules_find_the_one_that_fails() {
    let ran = golite(&["run", "--schedules=100", "schedules/order.gl"]);
    assert_eq!(text(&ran.stdout), "two was first\n");
    assert_eq!(ran.status.code(), Some(3));
    let said = text(&ran.stderr);
    let repeat = said
        .trim()
        .rsplit(": golite ")
        .next()
        .expect("how to repeat it");
    let again = golite(&repeat.split(' ').collect::<Vec<_>>());
    assert_eq!(text(&again.stdout), "two was first\n");
}

#[test]
fn every_schedule_has_the_flags_of_the_command() {
    let all = [
        "run",
        "--sandbox",
        "--schedules",
        "5",
        "schedules/outside.gl",
    ];
    let ran = golite(&all);
    assert_eq!(text(&ran.stdout), "reading is refused\n");
    let ran = golite(&[
        "--schedules=5",
        "--max-heap",
        "8M",
        "schedules/outside.gl",
        "much",
    ]);
    let said = text(&ran.stderr);
    assert!(said.contains("out of memory"), "{said}");
    assert!(
        said.contains(": golite --max-heap 8M --seed 1 schedules/outside.gl much\n"),
        "{said}"
    );
    let ran = golite(&["run", "--schedules=5", "-"]);
    assert_eq!(ran.status.code(), Some(2));
}

#[test]
fn seeds_interrupt_goroutines_between_statements() {
    for (name, complaint) in [
        ("lost_update", "an update is lost\n"),
        ("increment", "each has lost something\n"),
        ("check_then_act", "claimed more than once\n"),
        ("two_fields", "half moved\n"),
    ] {
        let file = format!("schedules/{name}.gl");
        let ran = golite(&["run", "--schedules=100", &file]);
        assert_eq!(text(&ran.stdout), complaint, "{name}");
        assert_eq!(ran.status.code(), Some(3), "{name}");
        let said = text(&ran.stderr);
        let repeat = said
            .trim()
            .rsplit(": golite ")
            .next()
            .expect("how to repeat it");
        let again = golite(&repeat.split(' ').collect::<Vec<_>>());
        assert_eq!(text(&again.stdout), complaint, "{repeat}");
    }
    for (name, output) in [
        ("guarded", "120 240 1 [0:60:4 1:60:4 2:60:4 3:60:4]\n"),
        ("busy_pair", "20\n"),
    ] {
        let ran = golite(&["run", "--schedules=40", &format!("schedules/{name}.gl")]);
        assert_eq!(text(&ran.stdout), output);
        assert_eq!(
            text(&ran.stderr),
            "golite: 40 schedules, all alike\n",
            "{name}"
        );
    }
}

#[test]
fn neither_traces_nor_collections_change_a_schedule() {
    let folder = std::env::temp_dir().join(format!("golite-same-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let trace = folder.join("trace.json");
    let trace = trace.to_str().expect("a name");
    let mut orders = std::collections::BTreeSet::new();
    for seed in 1..6 {
        // The same variables each time: a program that looks for one passes by all.
        let run = |words: &[&str], growth: &str, stress: &str| {
            let seed = format!("--seed={seed}");
            let ran = Command::new(env!("CARGO_BIN_EXE_golite"))
                .arg("run")
                .arg(seed)
                .args(words)
                .arg("schedules/interleaving.gl")
                .env("GOGC", growth)
                .env("GOLITEDEBUG", format!("gcstress={stress}"))
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
                .stdin(Stdio::null())
                .output()
                .expect("golite starts");
            assert!(ran.status.success(), "{}", text(&ran.stderr));
            text(&ran.stdout)
        };
        let order = run(&[], "100", "0");
        for (words, growth, stress) in [
            (&[][..], "100", "0"),
            (&["--trace", trace], "100", "0"),
            (&[], "5", "0"),
            (&[], "off", "0"),
            (&[], "100", "1"),
            (&[], "100", "2"),
        ] {
            let other = run(words, growth, stress);
            assert_eq!(order, other, "{seed} {words:?} {growth} {stress}");
        }
        orders.insert(order);
    }
    let _ = std::fs::remove_dir_all(&folder);
    assert!(orders.len() > 3, "{orders:?}");
}

#[test]
fn a_trace_shows_who_ran_and_why_they_stopped() {
    let folder = std::env::temp_dir().join(format!("golite-trace-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("trace.json");
    let name = file.to_str().expect("a name");
    // With the virtual clock of a seed the hour passes at once.
    let ran = golite(&["run", "--seed=1", "--trace", name, "schedules/fine.gl"]);
    assert_eq!(text(&ran.stdout), "45\n", "{}", text(&ran.stderr));
    let json = std::fs::read_to_string(&file).expect("a trace");
    for part in [
        r#""name":"thread_name","pid":1,"tid":0,"args":{"name":"P0"}"#,
        r#""name":"G1 "#,
        r#""then":"sync.WaitGroup.Wait""#,
        r#""then":"sleep""#,
        r#""ph":"s""#,
        r#""ph":"f""#,
        "main.main.func1",
    ] {
        assert!(json.contains(part), "{part} is not in the trace");
    }
    let ran = golite(&["trace", "view", name]);
    assert_eq!(text(&ran.stdout), format!("{name}.html\n"));
    let page = std::fs::read_to_string(format!("{name}.html")).expect("a page");
    assert!(page.contains("main.main.func1"));
    let ran = golite(&["trace", "view", "schedules/fine.gl"]);
    assert_eq!(ran.status.code(), Some(1));
    let ran = golite(&["run", "--trace", name, "schedules/busy.gl"]);
    assert_eq!(text(&ran.stdout), "true\n", "{}", text(&ran.stderr));
    let json = std::fs::read_to_string(&file).expect("a trace");
    assert!(json.contains(r#""name":"round""#));
    std::fs::remove_dir_all(folder).expect("removed");
}

/// A browser without a window, if there is one.
fn browser() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok())
}

#[test]
fn the_page_of_a_timeline_works_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("skipped: there is no chromium");
        return;
    };
    let folder = std::env::temp_dir().join(format!("golite-page-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let trace = folder.join("trace.json");
    let trace = trace.to_str().expect("a name");
    let ran = golite(&["run", "--seed=1", "--trace", trace, "schedules/guarded.gl"]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let ran = golite(&["trace", "view", trace]);
    let page = folder.join(text(&ran.stdout).trim());
    let mut html = std::fs::read_to_string(&page).expect("a page");
    assert!(
        !html.contains("http://") && !html.contains("https://"),
        "it needs no network"
    );
    // What a person does: search, choose a wait, zoom in, show all again. What is to be seen goes into the title.
    let script = r##"<script>
        const said = [], note = (what, value) => said.push(what + "=" + value);
        window.onerror = message => { document.title = "error: " + message; };
        const painted = () => canvas.toDataURL();
        const whole = painted();
        note("lanes", order.map(lane => lane.name).join(","));
        note("goroutines", document.querySelectorAll("#goroutines tr").length > 4);
        note("waits", document.querySelectorAll("#waits tr").length > 1);
        const search = document.getElementById("search");
        search.value = "WAITGROUP"; search.dispatchEvent(new Event("input"));
        note("found", document.getElementById("found").textContent);
        note("marked", painted() !== whole);
        search.value = ""; search.dispatchEvent(new Event("input"));
        [...document.querySelectorAll("#waits tr[data-goroutine]")].pop().click();
        note("chosen", document.querySelectorAll("tr.chosen").length > 0);
        note("nearer", to - from < last - first);
        canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -600, clientX: 400, clientY: 40 }));
        note("zoomed", to - from < (last - first) / 2);
        document.getElementById("all").click();
        note("again", painted() === whole && from === first);
        document.title = said.join(" ");
    </script></html>"##;
    html = html.replace("</html>", script);
    std::fs::write(&page, html).expect("a page");
    let ran = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=1200,800",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .args(["--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser starts");
    let dom = text(&ran.stdout);
    let title = dom
        .split("<title>")
        .nth(1)
        .and_then(|rest| rest.split("</title>").next());
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(
        title,
        Some(
            "lanes=P0,M0,M1,sysmon,world stopped goroutines=true waits=true found=4 goroutines \
             marked=true chosen=true nearer=true zoomed=true again=true"
        ),
        "{}",
        text(&ran.stderr)
    );
}

#[test]
fn goroutines_that_nobody_can_wake_are_reported() {
    let ran = golite(&["run", "--leaks", "schedules/leaks.gl"]);
    assert_eq!(text(&ran.stdout), "done\n");
    let report = text(&ran.stderr);
    assert!(
        report.starts_with("golite: 5 goroutines wait for what nobody can do any more:\n"),
        "{report}"
    );
    for part in [
        "[chan send]:\nmain.forgotten.func1",
        "[chan receive]:\nmain.pair.func1",
        "[chan receive]:\nmain.pair.func2",
        "[sync.WaitGroup.Wait]:\n",
        "[select]:\nmain.selects.func1",
        "created by main.forgotten in goroutine 1",
    ] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
    assert!(!report.contains("main.fine"), "{report}");
    let ran = golite(&["run", "--leaks", "--seed=3", "schedules/fine.gl"]);
    assert_eq!(text(&ran.stderr), "");
}

#[test]
fn every_way_to_wait_for_ever_is_a_leak_and_no_other() {
    let ran = golite(&["run", "--leaks", "--seed=3", "schedules/kinds.gl"]);
    assert_eq!(text(&ran.stdout), "done\n");
    let report = text(&ran.stderr);
    let found: Vec<&str> = report
        .lines()
        .filter(|line| line.starts_with("goroutine ") || line.starts_with("main."))
        .collect();
    let expected = [
        ("chan send", "send()"),
        ("chan send", "sendFull()"),
        ("chan receive", "receive()"),
        ("chan receive", "loop()"),
        ("chan send (nil chan)", "nilSend()"),
        ("chan receive (nil chan)", "nilReceive()"),
        ("select", "choose()"),
        ("select", "chooseNil()"),
        ("sync.Mutex.Lock", "mutex()"),
        ("sync.RWMutex.RLock", "readLock()"),
        ("sync.RWMutex.Lock", "writeLock()"),
        ("sync.Mutex.Lock", "writeLocked()"),
        ("sync.WaitGroup.Wait", "group()"),
        ("sync.Cond.Wait", "condition()"),
        ("sync.Mutex.Lock", "once.func1()"),
        ("chan receive", "ring()"),
        ("chan receive", "ring.func1()"),
    ];
    for (reason, function) in expected {
        let head = format!(" [{reason}]:");
        let there = found
            .windows(2)
            .any(|pair| pair[0].ends_with(&head) && pair[1] == format!("main.{function}"));
        assert!(there, "{function} [{reason}] is not in\n{report}");
    }
    let heads = found.iter().filter(|line| line.starts_with("goroutine "));
    assert_eq!(heads.count(), expected.len(), "{report}");
}

/// Runs for more than a minute: `cargo test --release --test concurrency -- --ignored connections`. Both ends are in one process, which
/// needs about 20,000 open files.
#[test]
#[ignore = "takes a minute"]
fn ten_thousand_connections_come_and_go_without_a_wrong_byte() {
    let ran = golite(&["run", "network/soak.gl", "9900", "60"]);
    assert_eq!(
        text(&ran.stdout),
        "wrong: 0 enough: true goroutines: 1 leaked: false\n",
        "{}",
        text(&ran.stderr)
    );
}

#[test]
fn connections_come_and_go_without_a_wrong_byte() {
    let ran = golite(&["run", "network/soak.gl", "50", "3"]);
    assert_eq!(
        text(&ran.stdout),
        "wrong: 0 enough: true goroutines: 1 leaked: false\n",
        "{}",
        text(&ran.stderr)
    );
}

/// Runs `tests/traceback/ends.gl` with an argument and GOTRACEBACK.
fn end_of_program(argument: &str, level: &str) -> (String, Option<i32>, Option<i32>) {
    use std::os::unix::process::ExitStatusExt;
    let ran = Command::new(env!("CARGO_BIN_EXE_golite"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .args(["run", "traceback/ends.gl", argument])
        .env("GOTRACEBACK", level)
        .output()
        .expect("golite starts");
    assert_eq!(text(&ran.stdout), "copy files true\n");
    let (status, signal) = (ran.status.code(), ran.status.signal());
    (text(&ran.stderr), status, signal)
}

#[test]
fn gotraceback_says_which_goroutines_are_shown() {
    let worker = r#"goroutine 2 [chan receive] {job: "copy files", user: ann}:"#;
    for (argument, level, first, shows_own, shows_worker) in [
        ("panic", "none", "panic: boom\n", false, false),
        (
            "panic",
            "single",
            "panic: boom\n\ngoroutine 1 [running]:\n",
            true,
            false,
        ),
        (
            "panic",
            "",
            "panic: boom\n\ngoroutine 1 [running]:\n",
            true,
            false,
        ),
        (
            "panic",
            "all",
            "panic: boom\n\ngoroutine 1 [running]:\n",
            true,
            true,
        ),
        (
            "fatal",
            "none",
            "fatal error: sync: unlock of unlocked mutex\n",
            false,
            false,
        ),
        (
            "fatal",
            "1",
            "fatal error: sync: unlock of unlocked mutex\n\ngoroutine 1 ",
            true,
            true,
        ),
        (
            "deadlock",
            "none",
            "fatal error: all goroutines are asleep - deadlock!\n",
            false,
            false,
        ),
    ] {
        let (report, status, _) = end_of_program(argument, level);
        assert_eq!(status, Some(2), "{report}");
        assert!(report.starts_with(first), "{argument} {level}: {report}");
        assert_eq!(
            report.contains("ends.gl:"),
            shows_own,
            "{argument} {level}: {report}"
        );
        assert_eq!(
            report.contains(worker),
            shows_worker,
            "{argument} {level}: {report}"
        );
    }
    let (_, status, signal) = end_of_program("panic", "crash");
    assert_eq!((status, signal), (None, Some(6)));
}

#[test]
fn a_deadlock_tells_who_could_never_have_been_woken() {
    let (report, status, _) = end_of_program("deadlock", "");
    assert_eq!(status, Some(2));
    assert!(
        report.contains("goroutine 1 [chan receive (nil chan)]:\n"),
        "{report}"
    );
    assert!(
        report.contains("goroutine 2 [chan receive (leaked)] {job:"),
        "{report}"
    );
}

#[test]
fn sigquit_shows_every_goroutine() {
    // The first goroutine runs an endless loop, without a call.
    let (report, status, _) = end_of_program("quit", "");
    assert_eq!(status, Some(2), "{report}");
    assert!(
        report.starts_with("SIGQUIT: quit\n\ngoroutine 1 [run"),
        "{report}"
    );
    for part in [
        "main.main()\n",
        "goroutine 2 [chan receive] {job:",
        "created by main.main in goroutine 1",
    ] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
}

#[test]
fn sigquit_shows_every_goroutine_from_the_first_moment_on() {
    for _ in 0..20 {
        let ran = golite(&["run", "traceback/quit.gl"]);
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
        let report = text(&ran.stderr);
        assert!(
            report.starts_with("SIGQUIT: quit\n\ngoroutine 1 ["),
            "{report}"
        );
        assert!(report.contains("main.main()\n"), "{report}");
    }
}

/// `cargo xtask waits` runs these thousands of times.
#[test]
fn who_waits_for_the_world_outside_is_no_deadlock() {
    for program in ["timers", "sockets", "signals", "calls"] {
        for processors in [1, 2, 4] {
            let script = format!("waits/{program}.gl");
            let ran = run(&script, processors, "");
            assert_eq!(ran.stdout, "done\n", "{script}: {}", ran.stderr);
        }
    }
}
