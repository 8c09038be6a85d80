//! x
use rusqlite::{Connection,OpenFlags,StatementStatus,config::DbConfig,params};
fn main(){
  for (qpsg,auth,qo) in [(false,false,false),(true,false,false),(true,false,true),(true,true,true)] {
    let db=Connection::open_with_flags("file:/tmp/me/Msql/opencode.db?mode=ro&immutable=1",OpenFlags::SQLITE_OPEN_READ_ONLY|OpenFlags::SQLITE_OPEN_URI|OpenFlags::SQLITE_OPEN_NO_MUTEX).unwrap();
    println!("{:?}", db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, qpsg));
    if qo {db.execute_batch("PRAGMA query_only=ON").unwrap();}
    if auth { db.authorizer(Some(|_:rusqlite::hooks::AuthContext<'_>|rusqlite::hooks::Authorization::Allow)).unwrap(); }
    let ids:Vec<String>=db.prepare("select id from session").unwrap().query_map([],|r|r.get(0)).unwrap().map(|x|x.unwrap()).collect();
    for sql in ["SELECT id, time_created, time_updated, CASE WHEN octet_length(data) <= ?2 THEN data ELSE octet_length(data) END FROM message WHERE session_id = ?1 ORDER BY time_created, id",
      "SELECT id, time_created, time_updated, CASE WHEN octet_length(data) <= ?2 THEN data ELSE octet_length(data) END, (SELECT seq FROM event_sequence WHERE aggregate_id = ?1) FROM message WHERE session_id = ?1 ORDER BY time_created, id"] {
    let mut n=0;
    for id in ids.iter().take(50){ let mut s=db.prepare_cached(sql).unwrap(); let mut r=s.query(params![id,1000000]).unwrap(); while let Some(_)=r.next().unwrap(){ n+=1 } drop(r); if id==&ids[49] {println!("{qpsg} {auth} {qo} rows {n} reprepare {}", s.get_status(StatementStatus::RePrepare));} }
    }
  }
}
