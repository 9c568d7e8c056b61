package external

func Two() int { return 2 }

func Three() int { return 3 }
