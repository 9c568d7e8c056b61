//! Lua 5.4 by mlua. A struct as a table, and as userdata with fields.

use mlua::{Function, Lua, Table, UserData, UserDataFields};

use crate::{Work, kilobyte};

const TEXT: &str = r#"
calls = 0
function run(n)
    local sum = 0
    for i = 0, n - 1 do sum = host_add(sum, i) end
    return sum
end
function texts(n, text)
    local sum = 0
    for i = 0, n - 1 do sum = sum + host_length(text) end
    return sum
end
function add(a, b) return a + b end
function length(text) return #text end
function total(order) return order.price * order.count end
"#;

#[derive(Clone)]
struct Order {
    id: i64,
    name: String,
    price: f64,
    count: i64,
}

impl UserData for Order {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("id", |_, order| Ok(order.id));
        fields.add_field_method_get("name", |_, order| Ok(order.name.clone()));
        fields.add_field_method_get("price", |_, order| Ok(order.price));
        fields.add_field_method_get("count", |_, order| Ok(order.count));
    }
}

fn table(lua: &Lua, order: &Order) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 4)?;
    table.raw_set("id", order.id)?;
    table.raw_set("name", order.name.as_str())?;
    table.raw_set("price", order.price)?;
    table.raw_set("count", order.count)?;
    Ok(table)
}

fn made(code: &[u8]) -> mlua::Result<Lua> {
    let lua = Lua::new();
    let globals = lua.globals();
    globals.set(
        "host_add",
        lua.create_function(|_, (a, b): (i64, i64)| Ok(a + b))?,
    )?;
    let length = |_: &Lua, text: mlua::BorrowedStr| Ok(text.len() as i64);
    globals.set("host_length", lua.create_function(length)?)?;
    lua.load(code).exec()?;
    Ok(lua)
}

pub fn works() -> Vec<Work> {
    let code = Lua::new()
        .load(TEXT)
        .into_function()
        .expect("the program")
        .dump(true);
    let lua = made(&code).expect("a VM");
    let function = |name: &str| lua.globals().get::<Function>(name).expect("a function");
    let (run, add, texts) = (function("run"), function("add"), function("texts"));
    let (length, total) = (function("length"), function("total"));
    let text = kilobyte();
    let again = text.clone();
    let order = Order {
        id: 7,
        name: "tea".into(),
        price: 2.5,
        count: 3,
    };
    let (owned, same, other) = (order.clone(), total.clone(), lua.clone());
    vec![
        Work::new("call of a host function", "Lua", move |n| {
            run.call::<i64>(n as i64).expect("run");
        }),
        Work::new("call into a script", "Lua", move |n| {
            for i in 0..n as i64 {
                assert_eq!(add.call::<i64>((i, 1i64)).expect("add"), i + 1);
            }
        }),
        Work::new("making a VM", "Lua", move |n| {
            for _ in 0..n {
                drop(made(&code).expect("a VM"));
            }
        }),
        Work::new("1 KB string to a script", "Lua", move |n| {
            for _ in 0..n {
                assert_eq!(length.call::<i64>(text.as_str()).expect("length"), 1024);
            }
        }),
        Work::new("1 KB string to the host", "Lua", move |n| {
            texts
                .call::<i64>((n as i64, again.as_str()))
                .expect("texts");
        }),
        Work::new("struct to a script", "Lua, table", move |n| {
            for _ in 0..n {
                let table = table(&other, &order).expect("a table");
                assert_eq!(total.call::<f64>(table).expect("total"), 7.5);
            }
        }),
        Work::new("struct to a script", "Lua, userdata", move |n| {
            for _ in 0..n {
                assert_eq!(same.call::<f64>(owned.clone()).expect("total"), 7.5);
            }
        }),
    ]
}
