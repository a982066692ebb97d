package proc

import "fmt"

// Alive tells whether something of an attempt may still live, by the locks of live files. It ends
// nothing, and a file that does not exist holds nobody.
func Alive(paths ...string) (bool, error) {
	left, err := openLeftovers(paths)
	defer closeLeftovers(left)
	if err != nil {
		return false, err
	}
	for _, l := range left {
		locked, err := tryLock(l.file)
		if err != nil {
			return false, fmt.Errorf("cannot tell whether something of an attempt lives: %s: %w", l.path, err)
		}
		if !locked {
			return true, nil
		}
	}
	return false, nil
}
