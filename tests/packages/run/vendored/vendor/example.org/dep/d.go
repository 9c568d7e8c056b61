package dep

import "example.org/dep/sub"

func F() int { return sub.G() * 2 }
