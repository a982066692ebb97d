package sqlite

import (
	"os"
	"runtime"
)

// A room is what the writer has written ahead of SQLite's log, so that a commit overwrites blocks that
// are there: then its fsync has data to send to the disk and no new length and places of blocks, which a
// file system records in a journal of its own.
//
// What is written is zeros behind the file's end. SQLite takes no frame from there: a frame begins
// with the number of a page, which is never 0. It is done under SQLite's lock for writers, so no other process
// puts frames there at the moment, and in no transaction's time: only when nothing waits to be written.
type room struct {
	path    string   // of the log; "" = no room is made
	log     *os.File // nil until it is needed
	commits int
	at      int64 // frames up to here are known to be written
	end     int64 // of the file, as far as is known
}

const (
	headSize  = 32               // of the log
	frameSize = 24 + pageSize    // of one page in it
	pageSize  = 4096             // SQLite's own default, and that of every database of ours
	roomSoon  = 64 * frameSize   // when there is less left, more is made
	roomStep  = 512 << 10        // how much
	roomMost  = 1000 * frameSize // about there SQLite begins the log anew (wal_autocheckpoint)
	roomEach  = 8                // commits from one look to the next, and before the first: a short run does without
)

// makeRoom does so if little is left. That it cannot is no harm.
func (s *session) makeRoom() {
	r := &s.room
	if r.path == "" || s.conn == nil {
		return
	}
	if r.commits++; r.commits%roomEach != 0 || !r.short() {
		return
	}
	runtime.Gosched() // who has waited for the last commit goes first
	if _, err := s.exec(begin); err != nil {
		return
	}
	defer func() { _, _ = s.exec(rollback) }() // nothing was written through it
	r.extend()
}

// short tells whether little room is left. It looks where frames have been written since it last looked.
func (r *room) short() bool {
	if r.log == nil {
		f, err := os.OpenFile(r.path, os.O_RDWR, 0)
		if err != nil {
			return false
		}
		r.log, r.at = f, headSize
	}
	var page [4]byte
	for r.at < roomMost {
		if n, _ := r.log.ReadAt(page[:], r.at); n < len(page) { // the file's end
			break
		}
		if page == [4]byte{} {
			break
		}
		r.at += frameSize
	}
	return r.at < roomMost && r.at+roomSoon > r.end
}

func (r *room) extend() {
	info, err := r.log.Stat()
	if err != nil {
		return
	}
	if r.end = info.Size(); r.at+roomSoon <= r.end {
		return // another process was here
	}
	if _, err := r.log.WriteAt(make([]byte, roomStep), r.end); err != nil {
		r.path = "" // a full disk, and the room is better left to others
		return
	}
	r.end += roomStep
	_ = r.log.Sync() // now, rather than with the next commit
}

func (r *room) close() {
	if r.log != nil {
		_ = r.log.Close()
	}
}
