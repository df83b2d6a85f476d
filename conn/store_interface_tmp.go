package conn

type Store interface{}
