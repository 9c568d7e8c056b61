package m_test

import (
	"fmt"
	"testing"

	"example.test/m"
)

func TestLiteral(t *testing.T) {
	fmt.Printf("%s\n", 1)
	_ = m.Thing{1}
}

func ExampleThing() {}

func ExampleLoops_Bad() {}
