package b

import "fmt"

var B = f()

type T struct{ A int }

func f() int { fmt.Println("b.B"); return 41 }
