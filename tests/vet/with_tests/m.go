package m

import "fmt"

//go:debug panicnil=1

type Thing struct{ N int }

func (Thing) Show() {}

func Loops(values []int) {
	for i, value := range values {
		go func() {
			fmt.Println(i, value)
		}()
	}
	for i := 0; i < 3; i++ {
		defer func() { fmt.Println(i) }()
	}
	for _, value := range values {
		value := value
		go func() { fmt.Println(value) }()
	}
}

func Wrong(x int) {
	fmt.Printf("%s\n", x)
}
