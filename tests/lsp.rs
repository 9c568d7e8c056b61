//! The language server, asked by a client over its standard input and output, as an editor does.

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const GOLITE: &str = env!("CARGO_BIN_EXE_golite");

struct Client {
    child: Child,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    folder: PathBuf,
    next: u64,
    /// The errors shown last, by file name.
    shown: Vec<(String, Value)>,
}

impl Client {
    fn new(test: &str, files: &[(&str, &str)]) -> Client {
        Client::with_flags(test, files, &[])
    }

    /// A server with flags, in the folder of the files.
    fn with_flags(test: &str, files: &[(&str, &str)], flags: &[&str]) -> Client {
        let folder = std::env::temp_dir().join(format!("golite-lsp-{test}-{}", std::process::id()));
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("below the root"))
                .expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
        let folder = folder.canonicalize().expect("it is there");
        let mut child = Command::new(GOLITE)
            .arg("lsp")
            .args(flags)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("golite can be run");
        let stdin = child.stdin.take().expect("it is piped");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            loop {
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    if stdout.read_line(&mut line).unwrap_or(0) == 0 {
                        return;
                    }
                    match line.trim_end().strip_prefix("Content-Length: ") {
                        Some(number) => length = number.parse().expect("a number"),
                        None => break,
                    }
                }
                let mut body = vec![0; length];
                stdout.read_exact(&mut body).expect("a body");
                let message = serde_json::from_slice(&body).expect("an object");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut client = Client {
            child,
            stdin,
            messages,
            folder,
            next: 0,
            shown: Vec::new(),
        };
        let answer = client.ask("initialize", json!({"capabilities": {}}));
        assert_eq!(answer["serverInfo"]["name"], "golite");
        client.tell("initialized", json!({}));
        client
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
        self.stdin.flush().expect("it reads");
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn receive(&mut self) -> Value {
        self.messages
            .recv_timeout(Duration::from_secs(60))
            .expect("an answer within a minute")
    }

    /// A message; what it shows of errors is remembered.
    fn next_message(&mut self) -> Value {
        let message = self.receive();
        if message["method"] == "textDocument/publishDiagnostics" {
            let uri = message["params"]["uri"].as_str().unwrap_or("");
            let name = uri.rsplit('/').next().unwrap_or("").to_owned();
            self.shown.retain(|(shown, _)| *shown != name);
            self.shown
                .push((name, message["params"]["diagnostics"].clone()));
        }
        message
    }

    fn ask_whole(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.next_message();
            if message["id"] == id {
                return message;
            }
        }
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.ask_whole(method, params)["result"].take()
    }

    fn uri(&self, name: &str) -> String {
        format!("file://{}", self.folder.join(name).display())
    }

    fn open(&mut self, name: &str) {
        let text = fs::read_to_string(self.folder.join(name)).expect("it is there");
        let uri = self.uri(name);
        self.tell(
            "textDocument/didOpen",
            json!({"textDocument": {"uri": uri, "languageId": "go", "version": 1, "text": text}}),
        );
    }

    fn change(&mut self, name: &str, text: &str) {
        let uri = self.uri(name);
        self.tell(
            "textDocument/didChange",
            json!({"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": text}]}),
        );
    }

    /// The errors of a file, as `line:character message`, once they have been shown.
    fn errors(&mut self, name: &str) -> Vec<String> {
        while !self.shown.iter().any(|(shown, _)| shown == name) {
            self.next_message();
        }
        let (_, list) = self
            .shown
            .iter()
            .find(|(shown, _)| shown == name)
            .expect("it is there");
        let list = list.as_array().expect("a list");
        list.iter()
            .map(|error| {
                let start = &error["range"]["start"];
                let message = error["message"].as_str().unwrap_or("");
                let message = message.lines().next().unwrap_or("");
                format!("{}:{} {message}", start["line"], start["character"])
            })
            .collect()
    }

    /// Asks about the place of `what` in a file's text; `|` in it is the cursor.
    fn at(&mut self, method: &str, name: &str, text: &str, what: &str, more: Value) -> Value {
        let cursor = what.find('|').unwrap_or(0);
        let plain = what.replace('|', "");
        let offset = text
            .find(&plain)
            .unwrap_or_else(|| panic!("{plain} is there"))
            + cursor;
        let before = &text[..offset];
        let line = before.matches('\n').count();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let character: usize = before[start..].chars().map(char::len_utf16).sum();
        let mut params = json!({
            "textDocument": {"uri": self.uri(name)},
            "position": {"line": line, "character": character},
        });
        if let (Some(params), Some(more)) = (params.as_object_mut(), more.as_object()) {
            params.extend(more.clone());
        }
        self.ask(method, params)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `line:character-line:character` of a range.
fn range(value: &Value) -> String {
    let (start, end) = (&value["start"], &value["end"]);
    format!(
        "{}:{}-{}:{}",
        start["line"], start["character"], end["line"], end["character"]
    )
}

fn labels(items: &Value) -> Vec<&str> {
    let items = items["items"].as_array().expect("items");
    items
        .iter()
        .filter_map(|item| item["label"].as_str())
        .collect()
}

const MAIN: &str = r#"package main

import (
	"fmt"
	"os"
	"strings"
)

// A Shape has an area.
type Shape interface {
	// Area tells it.
	Area() float64
}

// A Square is one.
type Square struct {
	// Side is as long as all others.
	Side float64
	name string
}

// Area is the side squared.
func (s *Square) Area() float64 { return s.Side * s.Side }

// total adds up.
func total(shapes []Shape, scale float64) (sum float64) {
	for _, shape := range shapes {
		sum += shape.Area() * scale
	}
	return sum
}

func main() {
	square := &Square{Side: 2, name: "é𝄞"}
	square.Side = 3
	all := []Shape{square}
	fmt.Println(strings.ToUpper(square.name), total(all, 2), helper(1))
}
"#;

const OTHER: &str = "package main\n\n// helper helps.\nfunc helper(n int) int { return n + limit }\n\nconst limit = 7\n";

const MODULE: &[(&str, &str)] = &[
    ("go.mod", "module example.com/m\n"),
    ("main.go", MAIN),
    ("other.go", OTHER),
];

#[test]
fn packages_of_a_host_are_known_by_their_stubs() {
    let text = "package main\n\nimport \"acme/shop\"\n\nfunc main() {\n\tvar s string = shop.Price(1)\n\t_ = s\n}\n";
    let stub = "package shop\n\n// Price asks the host.\nfunc Price(count int) float64\n";
    let files = [("main.go", text), ("stubs/acme/shop/shop.go", stub)];
    let mut client = Client::with_flags("stubs", &files, &["--stubs", "stubs"]);
    client.open("main.go");
    let errors = client.errors("main.go");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].starts_with("5:16 cannot use shop.Price(1)"),
        "{errors:?}"
    );
    let hover = client.at("textDocument/hover", "main.go", text, "Pri|ce", json!({}));
    let shown = hover["contents"]["value"].as_str().unwrap_or("");
    assert!(shown.contains("func Price(count int) float64"), "{shown}");
    assert!(shown.contains("Price asks the host."), "{shown}");
    // The host writes its declarations anew.
    let now = stub.replace("float64", "string");
    fs::write(client.folder.join("stubs/acme/shop/shop.go"), now).expect("it can be written");
    client.shown.clear();
    client.change("main.go", text);
    assert!(client.errors("main.go").is_empty());
}

#[test]
fn stubs_that_are_not_there_are_an_error() {
    let outcome = Command::new(GOLITE)
        .args(["lsp", "--stubs", "/nowhere/at/all"])
        .stdin(Stdio::null())
        .output()
        .expect("golite can be run");
    assert!(!outcome.status.success());
    let text = String::from_utf8_lossy(&outcome.stderr);
    assert!(text.starts_with("golite: lsp: /nowhere/at/all: "), "{text}");
}

#[test]
fn errors_are_shown_as_one_types_and_go_when_they_are_mended() {
    let mut client = Client::new("errors", MODULE);
    client.open("main.go");
    assert_eq!(
        client.errors("main.go"),
        ["4:1 \"os\" imported and not used"]
    );
    client.shown.clear();
    let mended = MAIN.replace("\t\"os\"\n", "");
    client.change("main.go", &mended);
    assert!(client.errors("main.go").is_empty());
    client.shown.clear();
    // The text of another file of the package, which is not written.
    client.open("other.go");
    client.change("other.go", &OTHER.replace("limit = 7", "limit = \"x\""));
    while client.shown.iter().all(|(_, list)| list == &json!([])) {
        client.next_message();
    }
    assert_eq!(
        client.errors("other.go").len(),
        1,
        "an int and a string are not added"
    );
    client.shown.clear();
    client.change("main.go", "package main\n\nfunc main() {\n\tx := \n}\n");
    let errors = client.errors("main.go");
    assert!(
        errors[0].starts_with("3:") || errors[0].contains("syntax error"),
        "{errors:?}"
    );
    assert_eq!(client.ask("shutdown", Value::Null), Value::Null);
    client.tell("exit", Value::Null);
    assert!(client.child.wait().expect("it ends").success());
}

#[test]
fn names_are_explained_found_and_renamed() {
    let mut client = Client::new("names", MODULE);
    client.open("main.go");
    let hover = |client: &mut Client, what: &str| -> String {
        let answer = client.at("textDocument/hover", "main.go", MAIN, what, json!({}));
        answer["contents"]["value"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };
    for (what, wanted) in [
        ("square.Sid|e = 3", "field Side float64"),
        ("square.Side|\u{20}= 3", "Side is as long as all others."),
        (
            "to|tal(all",
            "func total(shapes []Shape, scale float64) (sum float64)",
        ),
        ("to|tal(all", "total adds up."),
        ("shape.Ar|ea()", "func Area() float64"),
        ("strings.To|Upper", "func ToUpper(s string) string"),
        ("str|ings.ToUpper", "package strings (\"strings\")"),
        ("hel|per(1)", "helper helps."),
        ("squ|are.name", "var square *Square"),
        ("[]Sha|pe{", "type Shape interface"),
    ] {
        let text = hover(&mut client, what);
        assert!(text.contains(wanted), "{what}: {text}");
    }
    assert_eq!(hover(&mut client, "|package main"), "");

    let place = |client: &mut Client, what: &str| -> String {
        let answer = client.at("textDocument/definition", "main.go", MAIN, what, json!({}));
        let uri = answer["uri"].as_str().unwrap_or("nowhere");
        let file = uri.rsplit('/').next().unwrap_or("").to_owned();
        format!("{file} {}", range(&answer["range"]))
    };
    assert_eq!(place(&mut client, "hel|per(1)"), "other.go 3:5-3:11");
    assert_eq!(place(&mut client, "square.Si|de"), "main.go 17:1-17:5");
    assert_eq!(place(&mut client, "squ|are.name"), "main.go 33:1-33:7");
    assert_eq!(place(&mut client, "shape.Ar|ea()"), "main.go 11:1-11:5");
    let library = client.at(
        "textDocument/definition",
        "main.go",
        MAIN,
        "ToUp|per",
        json!({}),
    );
    let path = library["uri"]
        .as_str()
        .unwrap_or("")
        .strip_prefix("file://")
        .expect("a file");
    let text = fs::read_to_string(path).expect("standard packages can be read");
    let line = library["range"]["start"]["line"].as_u64().expect("a line") as usize;
    assert!(
        text.lines()
            .nth(line)
            .expect("it")
            .starts_with("func ToUpper(")
    );

    let references = client.at(
        "textDocument/references",
        "main.go",
        MAIN,
        "Si|de float64",
        json!({"context": {"includeDeclaration": true}}),
    );
    let places: Vec<String> = references
        .as_array()
        .expect("a list")
        .iter()
        .map(|place| range(&place["range"]))
        .collect();
    assert_eq!(
        places,
        [
            "17:1-17:5",
            "22:43-22:47",
            "22:52-22:56",
            "33:19-33:23",
            "34:8-34:12"
        ]
    );

    let renamed = client.at(
        "textDocument/rename",
        "main.go",
        MAIN,
        "hel|per(1)",
        json!({"newName": "assist"}),
    );
    let changes = renamed["changes"].as_object().expect("changes");
    let mut files: Vec<(String, usize)> = changes
        .iter()
        .map(|(uri, edits)| {
            (
                uri.rsplit('/').next().unwrap_or("").to_owned(),
                edits.as_array().map_or(0, Vec::len),
            )
        })
        .collect();
    files.sort();
    assert_eq!(
        files,
        [("main.go".to_owned(), 1), ("other.go".to_owned(), 1)]
    );
    let refused = client.ask_whole(
        "textDocument/rename",
        json!({"textDocument": {"uri": client.uri("main.go")}, "position": {"line": 36, "character": 6}, "newName": "x"}),
    );
    assert!(
        refused["error"]["message"].is_string(),
        "names of other packages stay: {refused}"
    );
}

#[test]
fn what_may_stand_at_the_cursor_is_offered_by_its_type() {
    let mut client = Client::new("completion", MODULE);
    client.open("main.go");
    let mut complete = |line: &str, cursor: &str| -> Vec<String> {
        let text = MAIN.replace("\tsquare.Side = 3\n", &format!("{line}\n"));
        client.change("main.go", &text);
        let answer = client.at(
            "textDocument/completion",
            "main.go",
            &text,
            cursor,
            json!({}),
        );
        labels(&answer).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(
        complete("\tsquare.", "\tsquare.|\n"),
        ["Area", "Side", "name"]
    );
    assert_eq!(
        complete("\tsquare.Si", "\tsquare.Si|\n"),
        ["Area", "Side", "name"]
    );
    let members = complete("\tstrings.To", "\tstrings.To|\n");
    assert!(members.contains(&"ToUpper".to_owned()) && members.contains(&"Builder".to_owned()));
    let unimported = complete("\tsort.", "\tsort.|\n");
    assert!(unimported.contains(&"Ints".to_owned()), "{unimported:?}");
    let scope = complete("\tx := sq", "x := sq|");
    for wanted in [
        "square", "total", "helper", "limit", "len", "return", "fmt", "Square",
    ] {
        assert!(scope.contains(&wanted.to_owned()), "{wanted} in {scope:?}");
    }
    for absent in ["sum", "shapes", "all"] {
        assert!(!scope.contains(&absent.to_owned()), "{absent} in {scope:?}");
    }

    let text = MAIN.replace("\tsquare.Side = 3\n", "\ttotal(nil, \n");
    client.change("main.go", &text);
    let help = client.at(
        "textDocument/signatureHelp",
        "main.go",
        &text,
        "total(nil, |",
        json!({}),
    );
    assert_eq!(help["activeParameter"], 1);
    let label = help["signatures"][0]["label"].as_str().unwrap_or("");
    assert_eq!(
        label,
        "func total(shapes []Shape, scale float64) (sum float64)"
    );
    assert_eq!(help["signatures"][0]["documentation"], "total adds up.");
}

#[test]
fn texts_are_formatted_listed_and_their_imports_organised() {
    let ugly =
        "package main\nimport \"os\"\nfunc  main( ) {\nfmt.Println(sort.IntsAreSorted(nil))\n}\n";
    let script = "for i := range 3 {\nfmt.Println(i)\n}\nfunc twice(x int) int { return 2*x }\n";
    let mut client = Client::new("format", &[("a/main.go", ugly), ("b.gl", script)]);
    client.open("a/main.go");
    client.open("b.gl");
    let document = |client: &Client, name: &str| json!({"textDocument": {"uri": client.uri(name)}});
    let params = document(&client, "a/main.go");
    let edits = client.ask("textDocument/formatting", params.clone());
    assert_eq!(
        edits[0]["newText"],
        "package main\n\nimport \"os\"\n\nfunc main() {\n\tfmt.Println(sort.IntsAreSorted(nil))\n}\n"
    );
    let mut params = params;
    params["context"] = json!({"diagnostics": [], "only": ["source.organizeImports"]});
    let actions = client.ask("textDocument/codeAction", params);
    let changes = actions[0]["edit"]["changes"].as_object().expect("changes");
    let text = changes.values().next().expect("one")[0]["newText"].as_str();
    assert_eq!(
        text,
        Some(
            "package main\n\nimport (\n\t\"fmt\"\n\t\"sort\"\n)\n\nfunc main() {\n\tfmt.Println(sort.IntsAreSorted(nil))\n}\n"
        )
    );
    let params = document(&client, "b.gl");
    let symbols = client.ask("textDocument/documentSymbol", params);
    let names: Vec<&str> = symbols
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|s| s["name"].as_str())
        .collect();
    assert_eq!(names, ["twice"]);
    assert!(
        client.errors("b.gl").is_empty(),
        "a script is checked alone"
    );
}

#[test]
fn what_it_does_not_know_is_refused_and_it_goes_on() {
    let mut client = Client::new("unknown", MODULE);
    let answer = client.ask_whole("textDocument/inlayHint", json!({}));
    assert_eq!(answer["error"]["code"], -32601);
    let nothing = client.ask(
        "textDocument/hover",
        json!({"textDocument": {"uri": "untitled:1"}}),
    );
    assert_eq!(nothing, Value::Null);
}

/// `FILE line:character` of locations.
fn places(locations: &Value) -> Vec<String> {
    let locations = locations.as_array().expect("a list");
    locations
        .iter()
        .map(|location| {
            let uri = location["uri"].as_str().unwrap_or("");
            let start = &location["range"]["start"];
            let file = uri.rsplit('/').next().unwrap_or("");
            format!("{file} {}:{}", start["line"], start["character"])
        })
        .collect()
}

const TESTED: &str =
    "package area\n\n// Double doubles.\nfunc Double(n int) int { return 2 * n }\n";
const OF_TESTS: &str = "package area\n\nimport \"testing\"\n\nfunc TestDouble(t *testing.T) {\n\tif Double(2) != 4 {\n\t\tt.Fatal(\"x\")\n\t}\n}\n";
const OUTSIDE: &str = "package area_test\n\nimport (\n\t\"testing\"\n\n\t\"example.com/m/area\"\n)\n\nfunc TestOutside(t *testing.T) { _ = area.Double(1) }\n";
const USER: &str =
    "package main\n\nimport \"example.com/m/area\"\n\nfunc main() { println(area.Double(3)) }\n";

const PACKAGES: &[(&str, &str)] = &[
    ("go.mod", "module example.com/m\n"),
    ("main.go", USER),
    ("area/area.go", TESTED),
    ("area/area_test.go", OF_TESTS),
    ("area/outside_test.go", OUTSIDE),
];

#[test]
fn test_files_are_checked_with_their_package() {
    let mut client = Client::new("tests", PACKAGES);
    client.open("area/area_test.go");
    assert!(client.errors("area_test.go").is_empty());
    client.shown.clear();
    let wrong = OF_TESTS.replace("Double(2)", "Double(\"2\")");
    client.change("area/area_test.go", &wrong);
    let errors = client.errors("area_test.go");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("5:11 cannot use \"2\""), "{errors:?}");
    client.shown.clear();
    // Who imports what is wrong is not checked, as in Go.
    client.change("area/area_test.go", OF_TESTS);
    assert!(client.errors("area_test.go").is_empty());
    client.open("area/outside_test.go");
    assert!(client.errors("outside_test.go").is_empty());
    let hover = client.at(
        "textDocument/hover",
        "area/outside_test.go",
        OUTSIDE,
        "area.Dou|ble",
        json!({}),
    );
    let hover = hover["contents"]["value"]
        .as_str()
        .expect("a text")
        .to_owned();
    assert!(hover.contains("func Double(n int) int"), "{hover}");
}

#[test]
fn names_are_found_and_renamed_in_all_packages_of_the_module() {
    let mut client = Client::new("packages", PACKAGES);
    client.open("area/area.go");
    let everywhere = [
        "area.go 3:5",
        "area_test.go 5:4",
        "outside_test.go 8:42",
        "main.go 4:27",
    ];
    let found = client.at(
        "textDocument/references",
        "area/area.go",
        TESTED,
        "func Dou|ble",
        json!({}),
    );
    assert_eq!(places(&found), everywhere);
    let renamed = client.at(
        "textDocument/rename",
        "area/area.go",
        TESTED,
        "func Dou|ble",
        json!({"newName": "Twice"}),
    );
    let changes = renamed["changes"].as_object().expect("changes");
    assert_eq!(changes.len(), 4);
    assert!(
        changes
            .values()
            .flat_map(|edits| edits.as_array().expect("a list"))
            .all(|edit| edit["newText"] == "Twice")
    );
}

#[test]
fn files_that_are_not_written_yet_belong_to_the_package() {
    let mut client = Client::new("unwritten", PACKAGES);
    let uri = client.uri("area/new.go");
    let text = "package area\n\nfunc Four() int { return Double(2) + missing }\n";
    client.tell(
        "textDocument/didOpen",
        json!({"textDocument": {"uri": uri, "languageId": "go", "version": 1, "text": text}}),
    );
    assert_eq!(client.errors("new.go"), ["2:37 undefined: missing"]);
    client.open("area/area.go");
    let found = client.at(
        "textDocument/references",
        "area/area.go",
        TESTED,
        "func Dou|ble",
        json!({}),
    );
    assert!(places(&found).contains(&"new.go 2:25".to_owned()));
    let alone = client.uri("alone.gl");
    client.tell(
        "textDocument/didOpen",
        json!({"textDocument": {"uri": alone, "languageId": "go", "version": 1, "text": "x := 1\nfmt.Println(y)\n"}}),
    );
    let errors = client.errors("alone.gl");
    assert!(
        errors.contains(&"1:12 undefined: y".to_owned()),
        "{errors:?}"
    );
}
