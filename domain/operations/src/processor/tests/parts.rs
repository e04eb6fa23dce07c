//! Multi-part operations (KMIP 2.1 §6.1.18, 1.4 §4.29) within batches.

use super::*;

fn hash(data: &[u8], streaming: Streaming) -> RequestItem {
    let parameters = CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::Sha256),
        ..cryptographic_parameters::none()
    };
    let request = hash::Request { streaming, ..hash_request(Some(parameters), data) };
    item(Operation::Hash, Ok(Request::Hash(request)))
}

fn hashed(answer: &ResponseMessage) -> &hash::Response {
    let [ResponseItem { outcome: Outcome::Success(response), .. }] = answer.items.as_slice() else {
        panic!("not one answer: {answer:?}")
    };
    let Response::Hash(response) = response.as_ref() else { panic!("not to Hash: {response:?}") };
    response
}

#[test]
fn an_undone_batch_has_added_no_part() {
    let desk = Desk::new();
    let one = |item| desk.send(message(Option_::Stop, vec![item]));
    let begun = one(hash(b"a", first_part()));
    let value = hashed(&begun).correlation_value.as_ref();
    let bad = || get(UniqueIdentifier::new("none").into());
    let items = vec![hash(b"b", next_part(value)), bad()];
    assert_eq!(outcomes(&desk.send(message(Option_::Undo, items))), "UF");
    let items = vec![hash(b"c", next_part(value)), bad()];
    assert_eq!(outcomes(&desk.send(message(Option_::Continue, items))), "SF");
    let ended = one(hash(b"d", last_part(value)));
    let whole = one(hash(b"acd", Streaming::default()));
    assert_eq!(hashed(&ended), hashed(&whole));
}

#[test]
fn a_part_whose_answer_is_too_large_has_not_been_added() {
    let desk = Desk::new();
    let begun = desk.send(message(Option_::Stop, vec![hash(b"a", first_part())]));
    let value = hashed(&begun).correlation_value.as_ref();
    let small = |item| RequestMessage {
        maximum_response_size: Some(50),
        ..message(Option_::Stop, vec![item])
    };
    assert_eq!(outcomes(&desk.send(small(hash(b"b", next_part(value))))), "F");
    let ended = desk.send(message(Option_::Stop, vec![hash(b"c", last_part(value))]));
    let whole = desk.send(message(Option_::Stop, vec![hash(b"ac", Streaming::default())]));
    assert_eq!(hashed(&ended), hashed(&whole));
}
