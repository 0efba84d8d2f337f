//! Finding customers by their ids.

use std::collections::HashMap;

use diesel::prelude::*;
use domain::{Customer, CustomerId};

use super::row::Columns;
use super::{Connection, CustomerRow, Failure, read_all, reading};
use crate::gather::Question;
use crate::schema::customers;
use crate::sql_types::RowId;

/// Who has this id.
pub(in super::super) struct FindCustomer(pub(super) CustomerId);

impl Question<Connection> for FindCustomer {
    type Answer = Option<Customer>;

    const MOST: usize = 64;

    fn answer(connection: &mut Connection, questions: &[Self]) -> Result<Vec<Option<Self::Answer>>, Failure> {
        let ids: Vec<RowId> = questions.iter().map(|question| RowId(question.0.uuid())).collect();
        let rows: Vec<CustomerRow> = reading(connection, ids.len(), |connection| {
            let found = read_all(
                connection,
                &ids,
                |connection, ids| {
                    let rows = customers::table.filter(customers::id.eq_any(ids));
                    rows.select(Columns).load(connection)
                },
                |connection, id| customers::table.find(id).select(Columns).load(connection),
            );
            found.map_err(|error| match questions {
                [FindCustomer(id)] => CustomerRow::unreadable(*id, error),
                _ => error.into(),
            })
        })?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in rows {
            found.insert(row.id.0, row.into_customer()?);
        }
        // One who is asked for twice is there for both.
        Ok(ids.iter().map(|id| Some(found.get(&id.0).cloned())).collect())
    }
}
