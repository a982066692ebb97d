package python

import (
	"path/filepath"

	"weft/plugins"
)

// failureFile is the name under the scratch folder of what runner.py says about a failure.
const failureFile = ".weft_python_failure"

// failurePlace is where runner.py leaves word of a failure. An exception may quote a secret, which
// must not be on a disk: of a task with secrets it is in memory, where the system can do that.
func failurePlace(call *plugins.Call) (path string, release func(), err error) {
	if call.Tap != nil {
		if path, release, err = memoryFile(failureFile); path != "" || err != nil {
			return path, release, err
		}
	}
	return filepath.Join(call.TmpDir, failureFile), func() {}, nil
}
