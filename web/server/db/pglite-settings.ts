/** One session serves all: PostgreSQL's usual 128 MB of buffers would only be resident memory. */
export const postgresqlconf = ['shared_buffers=16MB', 'max_connections=5', 'max_wal_size=64MB', 'min_wal_size=32MB']
