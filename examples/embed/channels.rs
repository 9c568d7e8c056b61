//! A script that selects over channels of its host.

use std::thread;

use golite::{Error, GoType, Golite, Receiver, Sender};

#[derive(GoType, Clone, PartialEq, Debug)]
struct Order {
    item: String,
    count: i64,
}

const SCRIPT: &str = r#"
package main

type Order struct {
	Item  string
	Count int
}

// Shop takes orders and price changes until there are no more orders, and reports what each order costs.
func Shop(orders <-chan Order, prices <-chan int, bills chan<- int) int {
	defer close(bills)
	price, total := 1, 0
	for {
		select {
		case price = <-prices:
		case order, ok := <-orders:
			if !ok {
				return total
			}
			bill := order.Count * price
			total += bill
			bills <- bill
		}
	}
}
"#;

pub fn main() -> Result<(), Error> {
    let program = Golite::new().compile(SCRIPT)?;
    let vm = program.start()?;
    let (orders, orders_end) = vm.chan::<Order>(0)?;
    let (prices, prices_end) = vm.chan::<i64>(0)?;
    let (bills_end, bills) = vm.chan::<i64>(8)?;
    let shop = vm.func::<(Receiver<Order>, Receiver<i64>, Sender<i64>), i64>("Shop")?;
    let shop = thread::spawn(move || shop.call((orders_end, prices_end, bills_end)));
    let order = Order {
        item: "tea".to_owned(),
        count: 3,
    };
    orders.send(order.clone())?;
    // Unbuffered: when it is sent, the script has it.
    prices.send(10)?;
    orders.send(order)?;
    // The last handle closes the channel.
    drop(orders);
    let billed: Vec<i64> = bills.iter().collect();
    assert_eq!(billed, [3, 30]);
    let total = shop.join().expect("the call does not panic")?;
    assert_eq!(total, 33);
    println!("{billed:?}, {total} in all");
    Ok(())
}
