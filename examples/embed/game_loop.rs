//! A game: the host draws frames and moves the game's time on; the script's goroutines are the game's actors, which sleep, tick and talk to each other
//! as in any Go program. Time passes only between frames, on the host's own thread, so a recorded game plays the same way again.
//!
//! `cargo run --example embed_game_loop`

use std::time::Duration;

use golite::{Error, Golite, Vm};

const GAME: &str = r#"
package game

import (
	"math/rand/v2"
	"time"
)

type Monster struct {
	Name string
	X    int
}

var (
	monsters []*Monster
	score    int
	shots    = make(chan int)
)

// Start brings the actors to life.
func Start() {
	for _, name := range []string{"bat", "ghost", "slime"} {
		m := &Monster{Name: name}
		monsters = append(monsters, m)
		go m.live()
	}
	go referee()
}

// A monster walks on its own clock.
func (m *Monster) live() {
	for range time.Tick(time.Duration(len(m.Name)*20) * time.Millisecond) {
		m.X += 1 + rand.IntN(3)
	}
}

// The referee counts hits, and time that passes without any.
func referee() {
	for {
		select {
		case x := <-shots:
			for _, m := range monsters {
				if m.X == x {
					score += 10
					m.X = 0
				}
			}
		case <-time.After(500 * time.Millisecond):
			score--
		}
	}
}

// Shoot is called by the host when the player presses the button.
func Shoot(x int) { shots <- x }

// Places is what the host draws.
func Places() (map[string]int, int) {
	at := map[string]int{}
	for _, m := range monsters {
		at[m.Name] = m.X
	}
	return at, score
}
"#;

const FRAME: Duration = Duration::from_millis(16);

type Frame = (std::collections::BTreeMap<String, i64>, i64);

/// Plays `frames` frames; the player shoots at the bat every 50 of them.
fn play(vm: &Vm, frames: u32) -> Result<Vec<Frame>, Error> {
    let places = vm.func::<(), Frame>("Places")?;
    let shoot = vm.func::<(i64,), ()>("Shoot")?;
    vm.func::<(), ()>("Start")?.call(())?;
    let mut drawn = Vec::new();
    for frame in 1..=frames {
        vm.step(FRAME)?;
        let now = places.call(())?;
        if frame % 50 == 0 {
            shoot.call((now.0["bat"],))?;
        }
        drawn.push(now);
    }
    Ok(drawn)
}

pub fn main() -> Result<(), Error> {
    let program = Golite::new().compile_named("game.go", GAME)?;
    let start = |seed| program.vm().seeded(seed).start();
    let clock = std::time::Instant::now();
    let first = play(&start(7)?, 600)?;
    println!("600 frames, 9.6 s of the game, in {:?}", clock.elapsed());
    let (places, score) = &first[599];
    println!("at the end: {places:?}, score {score}");
    // 9.6 s: the bat has moved 160 times, but for those when it was hit.
    assert!(
        places["ghost"] >= 96 && places["ghost"] <= 3 * 96,
        "{places:?}"
    );
    assert!(*score > 0);
    // The same seed gives the same game, another one another.
    assert_eq!(play(&start(7)?, 600)?, first);
    assert_ne!(play(&start(8)?, 600)?, first);
    Ok(())
}
