package d

func D() int { return 1 }
