//! The programs in `examples/embed/` run, and find what they expect.

macro_rules! examples {
    ($($name:ident = $path:literal;)*) => {$(
        #[path = $path]
        mod $name;
    )*};
}

examples! {
    hello = "../examples/embed/hello.rs";
    rules = "../examples/embed/rules.rs";
    plugin_host = "../examples/embed/plugin_host.rs";
    sandbox = "../examples/embed/sandbox.rs";
    hot_reload = "../examples/embed/hot_reload.rs";
    channels = "../examples/embed/channels.rs";
    web_handler = "../examples/embed/web_handler.rs";
    async_calls = "../examples/embed/async_calls.rs";
    game_loop = "../examples/embed/game_loop.rs";
}

fn check(result: Result<(), golite::Error>) {
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn hello_goes_both_ways() {
    check(hello::main());
}

#[test]
fn rules_are_asked_many_times() {
    check(rules::run(100_000));
    let _ = rules::main;
}

#[test]
fn plugins_see_types_of_the_host() {
    check(plugin_host::main());
}

#[test]
fn hostile_scripts_end_with_errors() {
    check(sandbox::main());
}

#[test]
fn a_new_version_takes_over() {
    check(hot_reload::main());
}

#[test]
fn calls_are_awaited_on_both_sides() {
    check(async_calls::main());
}

#[test]
fn a_game_is_stepped() {
    check(game_loop::main());
}

#[test]
fn scripts_select_over_the_hosts_channels() {
    check(channels::main());
}

#[test]
fn requests_are_answered_by_a_script() {
    check(web_handler::main());
}
