// Package catalog knows which DAGs there are: it reads a folder or a prefix of a bucket, keeps each
// version of what it has read, and says which version of each DAG is in force.
//
// A version is a bundle: the DAG's file and its folder's files, by hash. A file that is broken stops
// nobody: its DAG stays as it was when it last was good, and the others follow what was published.
package catalog
