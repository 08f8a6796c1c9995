mod engine_world;
use engine_world::*;
#[test]
fn probe() {
    let mut w = World::every("1h", &(depth("for = \"60s\"")));
    w.drop_double();
    w.at(0).value(12.0).at(s(30)).tick().at(s(31)).deaf(s(17)).at(s(40)).listening().run(s(1000));
    println!("1: {:?}", w.transitions().iter().map(|t| line(t)).collect::<Vec<_>>());
    let mut w = World::every("60s", &absent());
    w.drop_double();
    w.at(0).alive().at(s(30)).tick().at(s(31)).deaf(s(17)).at(s(140)).listening().run(s(1000));
    println!("2: {:?}", w.transitions().iter().map(|t| line(t)).collect::<Vec<_>>());
    let mut w = World::every("10s", &absent());
    w.drop_double();
    w.at(0).alive().at(s(30)).tick().at(s(31)).deaf(s(17)).at(s(40)).listening().edit("").edit(&absent()).run(s(1000));
    println!("3: {:?}", w.transitions().iter().map(|t| line(t)).collect::<Vec<_>>());
}
