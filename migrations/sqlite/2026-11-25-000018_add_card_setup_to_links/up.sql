-- The card provider's id of the procedure that was begun with the link.
ALTER TABLE links ADD COLUMN card_setup TEXT;
