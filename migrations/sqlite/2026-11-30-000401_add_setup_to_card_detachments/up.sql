-- A setup to be ended, and the card that it brought to be removed. The id of the card is empty then: a process of before this
-- column cannot use it, and leaves it to one that can.
ALTER TABLE card_detachments ADD COLUMN setup TEXT;
