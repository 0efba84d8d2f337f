DROP TABLE card_detachments;
