package sub

func G() int { return 21 }
