ALTER TABLE card_detachments DROP COLUMN setup;
