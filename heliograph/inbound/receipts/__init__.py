"""What others say later of the mail that we sent: notices, complaints, replies, providers' callbacks."""
