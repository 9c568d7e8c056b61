//! A rules engine: the host asks the script a million times, with typed calls that allocate nothing of their own.
//!
//! `cargo run --release --example embed_rules`

use golite::{Error, Golite};

const RULES: &str = r#"
package rules

// Discount says how many percent an order of this size gets off.
func Discount(items int, total float64, member bool) int {
	percent := 0
	switch {
	case total >= 500:
		percent = 10
	case items > 20:
		percent = 5
	}
	if member {
		percent += 2
	}
	return percent
}
"#;

pub fn main() -> Result<(), Error> {
    run(1_000_000)
}

/// Asks so often.
pub fn run(calls: i64) -> Result<(), Error> {
    let vm = Golite::new().compile_named("rules.go", RULES)?.start()?;
    let discount = vm.func::<(i64, f64, bool), i64>("Discount")?;
    let start = std::time::Instant::now();
    let mut sum = 0;
    for call in 0..calls {
        sum += discount.call((call % 30, (call % 1000) as f64, call % 2 == 0))?;
    }
    let each = start.elapsed().as_nanos() / calls.max(1) as u128;
    println!("{calls} calls, {each} ns each, {sum} percent in all");
    let expected: i64 = (0..calls)
        .map(|call| {
            let by_size = if call % 1000 >= 500 {
                10
            } else if call % 30 > 20 {
                5
            } else {
                0
            };
            by_size + if call % 2 == 0 { 2 } else { 0 }
        })
        .sum();
    assert_eq!(sum, expected);
    Ok(())
}
