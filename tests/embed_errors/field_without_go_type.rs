// All fields stand for Go types.
struct Socket;

#[derive(golite::GoType)]
struct Client {
    name: String,
    socket: Socket,
}

fn main() {}
