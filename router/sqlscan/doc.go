// Package sqlscan splits SQL text into tokens exactly as PostgreSQL's scan.l
// does, without allocating.
//
// A Scanner borrows the text; tokens are positions in it. Together with the
// blanks and comments between them the tokens tile the text. What PostgreSQL's
// versions 13 to 18 would split differently, and what it would refuse, becomes
// a token of kind Invalid: whoever classifies must then give up.
//
// The package knows no grammar: which words are key words, yes; what they mean
// where they stand is for its caller.
package sqlscan

//go:generate go run gen.go
